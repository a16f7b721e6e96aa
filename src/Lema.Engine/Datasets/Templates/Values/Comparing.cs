using System.Numerics;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Templates.Values;

/// <summary>Python's truth, equality and order.</summary>
internal static class Comparing
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long or BigInteger => !Number.ToBig(value).IsZero,
        double real => real != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        TupleValue tuple => tuple.Items.Count > 0,
        DictValue dict => dict.Count > 0,
        ViewValue view => view.Items.Count > 0,
        RangeValue range => range.Items.Count > 0,
        _ => true,
    };

    public static bool AreEqual(object? left, object? right)
    {
        Parsing.TokenReader.CheckDepth();
        return (left, right) switch
        {
            (null, null) => true,
            (string a, string b) => a == b,
            (Undefined, Undefined) => true,
            (List<object?> a, List<object?> b) => SameItems(a, b),
            (TupleValue a, TupleValue b) => SameItems(a.Items, b.Items),
            (RangeValue a, RangeValue b) => SameItems(a.Items, b.Items),
            (DictValue a, DictValue b) => a.Count == b.Count && a.All(item => b.TryGet(item.Key, out object? other) && AreEqual(item.Value, other)),
            _ when Number.Is(left) && Number.Is(right) =>
                left is double || right is double ? Number.ToDouble(left) == Number.ToDouble(right) : Number.ToBig(left) == Number.ToBig(right),
            _ => ReferenceEquals(left, right),
        };
    }

    /// <summary>Negative, zero or positive.</summary>
    /// <param name="operation">For the message when the two have no order.</param>
    public static int Order(object? left, object? right, string operation)
    {
        if (left is Undefined a) throw a.Error;
        if (right is Undefined b) throw b.Error;
        if (Number.Is(left) && Number.Is(right))
        {
            return left is double || right is double ? Number.ToDouble(left).CompareTo(Number.ToDouble(right)) : Number.ToBig(left).CompareTo(Number.ToBig(right));
        }
        return (left, right) switch
        {
            (string first, string second) => OrderOfText(first, second),
            (List<object?> first, List<object?> second) => OrderOfItems(first, second, operation),
            (TupleValue first, TupleValue second) => OrderOfItems(first.Items, second.Items, operation),
            _ => throw TemplateError.Type($"'{operation}' not supported between instances of '{PythonText.TypeName(left)}' and '{PythonText.TypeName(right)}'"),
        };
    }

    private static bool SameItems(IReadOnlyList<object?> a, IReadOnlyList<object?> b) => a.Count == b.Count && a.Zip(b).All(pair => AreEqual(pair.First, pair.Second));

    private static int OrderOfItems(IReadOnlyList<object?> a, IReadOnlyList<object?> b, string operation)
    {
        for (int index = 0; index < Math.Min(a.Count, b.Count); index++)
        {
            if (!AreEqual(a[index], b[index])) return Order(a[index], b[index], operation);
        }
        return a.Count.CompareTo(b.Count);
    }

    // By code points: UTF-16 units would put astral characters before U+E000.
    private static int OrderOfText(string a, string b)
    {
        int at = a.AsSpan().CommonPrefixLength(b);
        if (at == a.Length || at == b.Length) return a.Length.CompareTo(b.Length);
        if (char.IsLowSurrogate(a[at]) && char.IsLowSurrogate(b[at])) return a[at].CompareTo(b[at]);
        return CharacterClass.CodePointAt(a, at, out _).CompareTo(CharacterClass.CodePointAt(b, at, out _));
    }
}
