using Lema.Engine.Datasets.Templates.Library;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Evaluation;

/// <summary>Python's arithmetic and comparison operators.</summary>
internal static class Operators
{
    public static object? Apply(string operation, object? left, object? right, Budget budget)
    {
        if (left is Undefined a) throw a.Error;
        if (right is Undefined b) throw b.Error;
        if (Number.Is(left) && Number.Is(right)) return Number.Calculate(operation, left, right);
        switch (operation, left, right)
        {
            case ("+", string first, string second):
                budget.Charge((long)first.Length + second.Length);
                return first + second;
            case ("+", List<object?> first, List<object?> second):
                budget.ChargeItems((long)first.Count + second.Count);
                return (List<object?>)[.. first, .. second];
            case ("+", TupleValue first, TupleValue second):
                budget.ChargeItems((long)first.Items.Count + second.Items.Count);
                return new TupleValue([.. first.Items, .. second.Items]);
            case ("*", string or List<object?> or TupleValue, _) when Number.IsInteger(right): return Repeated(left, right, budget);
            case ("*", _, string or List<object?> or TupleValue) when Number.IsInteger(left): return Repeated(right, left, budget);
            case ("%", string format, _): return TextFormat.Percent(format, right, budget);
            case ("+", string, _):
                throw TemplateError.Type($"can only concatenate str (not \"{PythonText.TypeName(right)}\") to str");
            default:
                throw TemplateError.Type($"unsupported operand type(s) for {operation}: '{PythonText.TypeName(left)}' and '{PythonText.TypeName(right)}'");
        }
    }

    public static bool Compare(string operation, object? left, object? right) => operation switch
    {
        "==" => Comparing.AreEqual(left, right),
        "!=" => !Comparing.AreEqual(left, right),
        "<" => Comparing.Order(left, right, "<") < 0,
        "<=" => Comparing.Order(left, right, "<=") <= 0,
        ">" => Comparing.Order(left, right, ">") > 0,
        ">=" => Comparing.Order(left, right, ">=") >= 0,
        "in" => Contains(right, left),
        _ => !Contains(right, left),
    };

    public static bool Contains(object? container, object? item) => container switch
    {
        string text => item is string part ? text.Contains(part, StringComparison.Ordinal)
            : throw TemplateError.Type($"'in <string>' requires string as left operand, not {PythonText.TypeName(item)}"),
        DictValue dict => dict.Contains(item),
        Undefined { Error.Kind: TemplateErrorKind.Security } refused => throw refused.Error,
        _ when Iterating.IsIterable(container) => Iterating.Items(container).Any(other => Comparing.AreEqual(other, item)),
        _ => throw TemplateError.Type($"argument of type '{PythonText.TypeName(container)}' is not iterable"),
    };

    private static object Repeated(object? value, object? times, Budget budget)
    {
        System.Numerics.BigInteger wanted = Number.ToBig(times);
        IReadOnlyList<object?> items = value as List<object?> ?? (value as TupleValue)?.Items ?? [];
        int length = value is string text ? text.Length : items.Count;
        if (wanted <= 0 || length == 0) wanted = length = 0;
        System.Numerics.BigInteger total = wanted * length;
        long size = total > long.MaxValue ? -1 : (long)total;
        if (value is string) budget.Charge(size);
        else budget.ChargeItems(size);
        if (value is string plain) return new System.Text.StringBuilder((int)total).Insert(0, plain, (int)wanted).ToString();
        List<object?> repeated = [.. Enumerable.Repeat(items, (int)wanted).SelectMany(all => all)];
        return value is TupleValue ? new TupleValue(repeated) : repeated;
    }
}
