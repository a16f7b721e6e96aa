using Lema.Engine.Datasets.Templates.Evaluation;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Library;

/// <summary>Attributes and items of values. Python's own attributes are refused where they begin with an underscore, and so are methods that change a value.</summary>
internal sealed class Attributes(Budget budget)
{
    private static readonly HashSet<string> ListChanges = ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"];
    private static readonly HashSet<string> DictChanges = ["clear", "pop", "popitem", "setdefault", "update"];

    private readonly StringMethods _strings = new(budget);

    /// <summary><c>target.name</c>: a method first, then a key.</summary>
    public object? Member(object? target, string name)
    {
        if (target is Undefined missing) throw missing.Error;
        if (IsRefused(target, name)) return Undefined.Unsafe(target, name);
        return Method(target, name) ?? Owned(target, name);
    }

    /// <summary><c>target[key]</c>: an item first, then a method.</summary>
    public object? Item(object? target, object? key)
    {
        if (target is Undefined missing) throw missing.Error;
        if (target is DictValue dict) return dict.TryGet(key, out object? value) ? value : key is string method ? Member(target, method) : Undefined.Attribute(target, PythonText.Str(key, budget));
        if (Number.IsInteger(key))
        {
            if (Iterating.Sequence(target) is not { } items) return Undefined.Attribute(target, PythonText.Str(key, budget));
            System.Numerics.BigInteger wanted = Number.ToBig(key);
            if (wanted < 0) wanted += items.Count;
            return wanted >= 0 && wanted < items.Count ? items[(int)wanted] : new Undefined($"{PythonText.TypeName(target)} object has no element {PythonText.Str(key, budget)}");
        }
        return key is string name ? Member(target, name) : Undefined.Attribute(target, PythonText.Str(key, budget));
    }

    /// <summary>An attribute or a key, by a path of names and numbers with dots between, as filters take it.</summary>
    /// <param name="otherwise">What stands for a part that is missing; null for none.</param>
    public object? Path(object? target, object? path, object? otherwise = null)
    {
        object?[] names = path is string text ? text.Split('.') : [path];
        foreach (object? name in names)
        {
            target = Item(target, long.TryParse(name as string, out long number) ? number : name);
            if (target is Undefined && otherwise is not null) target = otherwise;
        }
        return target;
    }

    private static bool IsRefused(object? target, string name) =>
        name.StartsWith("__", StringComparison.Ordinal)
        || (name.StartsWith('_') && target is FunctionValue)
        || (target is List<object?> && ListChanges.Contains(name))
        || (target is DictValue && DictChanges.Contains(name));

    private FunctionValue? Method(object? target, string name)
    {
        Func<CallArguments, object?>? method = target switch
        {
            string text => _strings.Find(text, name),
            DictValue dict => DictMethod(dict, name),
            List<object?> list => SequenceMethod(list, name),
            TupleValue tuple => SequenceMethod(tuple.Items, name),
            _ => null,
        };
        return method is null ? null : new FunctionValue(name, method);
    }

    private static object? Owned(object? target, string name) => target switch
    {
        DictValue dict when dict.TryGet(name, out object? value) => value,
        NamespaceValue space => space.TryGet(name, out object? value) ? value : Undefined.Attribute(target, name),
        ObjectValue known => known.Attribute(name),
        FunctionValue function when name == "name" => function.Name,
        _ => Undefined.Attribute(target, name),
    };

    private Func<CallArguments, object?>? DictMethod(DictValue dict, string name) => name switch
    {
        "items" => _ => new ViewValue("dict_items", Charged([.. dict.Select(item => new TupleValue([item.Key, item.Value]))])),
        "keys" => _ => new ViewValue("dict_keys", Charged([.. dict.Keys])),
        "values" => _ => new ViewValue("dict_values", Charged([.. dict.Items])),
        "get" => arguments => dict.TryGet(arguments.Need(0, "key"), out object? value) ? value : arguments.Get(1, "default"),
        "copy" => _ => Copied(dict),
        _ => null,
    };

    private static Func<CallArguments, object?>? SequenceMethod(IReadOnlyList<object?> items, string name) => name switch
    {
        "index" => arguments => IndexOf(items, arguments.Need(0, "value")),
        "count" => arguments => (long)items.Count(item => Comparing.AreEqual(item, arguments.Need(0, "value"))),
        "copy" => _ => new List<object?>(items),
        _ => null,
    };

    private static object IndexOf(IReadOnlyList<object?> items, object? wanted)
    {
        for (int index = 0; index < items.Count; index++)
        {
            if (Comparing.AreEqual(items[index], wanted)) return (long)index;
        }
        throw TemplateError.Other("the value is not in the list");
    }

    private List<object?> Charged(List<object?> items)
    {
        budget.ChargeItems(items.Count);
        return items;
    }

    private static DictValue Copied(DictValue dict)
    {
        DictValue copy = [];
        foreach ((object? key, object? value) in dict) copy[key] = value;
        return copy;
    }
}
