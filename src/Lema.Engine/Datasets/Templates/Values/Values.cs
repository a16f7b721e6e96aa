using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Lema.Engine.Datasets.Templates.Values;

// What a template computes with: null (none), bool, long or BigInteger, double, string, List<object?> (list) and the classes below. Nothing else of .NET
// can be reached from a template.

/// <summary>A value that is not there. Printing and testing it is fine; any other use is the error it carries.</summary>
internal sealed class Undefined(string message, TemplateErrorKind kind = TemplateErrorKind.Undefined)
{
    public TemplateError Error => new(kind, message);

    public static Undefined Variable(string name) => new($"'{name}' is undefined");

    public static Undefined Attribute(object? target, string name) =>
        new(target is null ? $"'None' has no attribute '{name}'" : $"'{PythonText.TypeName(target)} object' has no attribute '{name}'");

    public static Undefined Unsafe(object? target, string name) =>
        new($"access to attribute '{name}' of '{PythonText.TypeName(target)}' object is unsafe.", TemplateErrorKind.Security);
}

/// <summary>A list that cannot change.</summary>
internal sealed record TupleValue(IReadOnlyList<object?> Items);

/// <summary>A dictionary in the order of insertion, with Python's equality of keys.</summary>
internal sealed class DictValue : IEnumerable<KeyValuePair<object?, object?>>
{
    private readonly OrderedDictionary<Key, object?> _items = [];

    public int Count => _items.Count;

    public IEnumerable<object?> Keys => _items.Keys.Select(key => key.Value);

    public IEnumerable<object?> Items => _items.Values;

    public object? this[object? key]
    {
        set => _items[Hashable(key)] = value;
    }

    public bool TryGet(object? key, out object? value) => _items.TryGetValue(Hashable(key), out value);

    public bool Contains(object? key) => _items.ContainsKey(Hashable(key));

    public IEnumerator<KeyValuePair<object?, object?>> GetEnumerator() => _items.Select(item => KeyValuePair.Create(item.Key.Value, item.Value)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static Key Hashable(object? key) => key is List<object?> or DictValue
        ? throw TemplateError.Type($"unhashable type: '{PythonText.TypeName(key)}'")
        : new Key(key);

    private readonly record struct Key(object? Value)
    {
        public bool Equals(Key other) => Comparing.AreEqual(Value, other.Value);

        public override int GetHashCode() => Value switch
        {
            string text => text.GetHashCode(StringComparison.Ordinal),
            bool or long or double or System.Numerics.BigInteger => Number.ToDouble(Value).GetHashCode(),
            TupleValue tuple => tuple.Items.Count,
            _ => 0,
        };
    }
}

/// <summary>The items of a filter that yields them one by one; they can be taken once.</summary>
internal sealed class GeneratorValue(IEnumerable<object?> items)
{
    private IEnumerable<object?>? _items = items;

    public IEnumerable<object?> Take()
    {
        IEnumerable<object?> rest = _items ?? [];
        _items = null;
        return rest;
    }
}

/// <summary>What a dictionary's keys(), values() and items() give.</summary>
internal sealed record ViewValue(string Kind, IReadOnlyList<object?> Items);

/// <summary>A range of integers.</summary>
internal sealed record RangeValue(long Start, long Stop, long Step, IReadOnlyList<object?> Items);

/// <summary>What <c>namespace()</c> gives: the one kind of object whose attributes can be set.</summary>
internal sealed class NamespaceValue
{
    private readonly Dictionary<string, object?> _attributes = new(StringComparer.Ordinal);

    public object? this[string name]
    {
        set => _attributes[name] = value;
    }

    public bool TryGet(string name, [MaybeNullWhen(false)] out object? value) => _attributes.TryGetValue(name, out value);
}

/// <summary>The arguments of a call.</summary>
internal sealed record CallArguments(IReadOnlyList<object?> Positional, IReadOnlyDictionary<string, object?> Named)
{
    private static readonly Dictionary<string, object?> NoNames = [];

    public static CallArguments Of(params object?[] values) => new(values, NoNames);

    public bool Has(int index, string name) => index < Positional.Count || Named.ContainsKey(name);

    /// <summary>An argument by place or name, or what stands for it.</summary>
    public object? Get(int index, string name, object? otherwise = null) =>
        index < Positional.Count ? Positional[index] : Named.TryGetValue(name, out object? value) ? value : otherwise;

    /// <summary>An argument that must be there.</summary>
    public object? Need(int index, string name) =>
        Has(index, name) ? Get(index, name) : throw TemplateError.Type($"missing required argument '{name}'");

    public string NeedText(int index, string name) => Need(index, name) as string ?? throw TemplateError.Type($"'{name}' must be a string");

    public int Whole(int index, string name, int otherwise) => Has(index, name) && Get(index, name) is { } value ? Number.ToInt(value) : otherwise;
}

/// <summary>Something that can be called: a function of the environment, a method, a macro.</summary>
internal sealed class FunctionValue(string name, Func<CallArguments, object?> call)
{
    public string Name { get; } = name;

    public object? Call(CallArguments arguments) => call(arguments);
}

/// <summary>An object of the environment with attributes: <c>loop</c>, a <c>cycler</c>.</summary>
/// <param name="Attribute">The value of an attribute; <see cref="Undefined"/> where there is none.</param>
/// <param name="Call">What calling the object does; null: it cannot be called.</param>
internal sealed record ObjectValue(string TypeName, Func<string, object?> Attribute, Func<CallArguments, object?>? Call = null);
