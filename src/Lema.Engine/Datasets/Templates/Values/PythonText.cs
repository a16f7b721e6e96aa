using System.Globalization;
using System.Numerics;
using System.Text;

namespace Lema.Engine.Datasets.Templates.Values;

/// <summary>How Python writes values: str, repr and the names of types.</summary>
internal static class PythonText
{
    public static string TypeName(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        long or BigInteger => "int",
        double => "float",
        string => "str",
        List<object?> => "list",
        TupleValue => "tuple",
        DictValue => "dict",
        Undefined => "Undefined",
        GeneratorValue => "generator",
        ViewValue view => view.Kind,
        RangeValue => "range",
        NamespaceValue => "Namespace",
        FunctionValue => "function",
        ObjectValue known => known.TypeName,
        _ => "object",
    };

    /// <summary>What printing a value shows.</summary>
    public static string Str(object? value, Evaluation.Budget budget) => value switch
    {
        string text => text,
        Undefined => "",
        _ => Repr(value, budget),
    };

    public static string Repr(object? value, Evaluation.Budget budget)
    {
        StringBuilder text = new();
        Write(value, text, budget);
        return text.ToString();
    }

    private static void Write(object? value, StringBuilder text, Evaluation.Budget budget)
    {
        Parsing.TokenReader.CheckDepth();
        budget.Step();
        int before = text.Length;
        switch (value)
        {
            case null: text.Append("None"); break;
            case bool flag: text.Append(flag ? "True" : "False"); break;
            case long or BigInteger: text.Append(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture)); break;
            case double real: text.Append(Number.Repr(real)); break;
            case string plain: Quote(plain, text); break;
            case List<object?> list: Items('[', list, "]", text, budget); break;
            case TupleValue tuple: Items('(', tuple.Items, tuple.Items.Count == 1 ? ",)" : ")", text, budget); break;
            case DictValue dict: Pairs(dict, text, budget); break;
            case ViewValue view:
                text.Append(view.Kind).Append('(');
                Items('[', view.Items, "])", text, budget);
                break;
            case RangeValue range:
                text.Append(CultureInfo.InvariantCulture, $"range({range.Start}, {range.Stop}{(range.Step == 1 ? "" : $", {range.Step}")})");
                break;
            case Undefined: text.Append("Undefined"); break;
            default: text.Append('<').Append(TypeName(value)).Append('>'); break;
        }
        budget.Charge(text.Length - before);
    }

    private static void Items(char open, IReadOnlyList<object?> items, string close, StringBuilder text, Evaluation.Budget budget)
    {
        text.Append(open);
        for (int index = 0; index < items.Count; index++)
        {
            if (index > 0) text.Append(", ");
            Write(items[index], text, budget);
        }
        text.Append(close);
    }

    private static void Pairs(DictValue dict, StringBuilder text, Evaluation.Budget budget)
    {
        text.Append('{');
        bool first = true;
        foreach ((object? key, object? value) in dict)
        {
            if (!first) text.Append(", ");
            first = false;
            Write(key, text, budget);
            text.Append(": ");
            Write(value, text, budget);
        }
        text.Append('}');
    }

    // Single quotes, unless the string has some and no double quote.
    private static void Quote(string plain, StringBuilder text)
    {
        char quote = plain.Contains('\'', StringComparison.Ordinal) && !plain.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        text.Append(quote);
        foreach (Rune rune in plain.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '\\': text.Append("\\\\"); break;
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case int unit when unit == quote: text.Append('\\').Append(quote); break;
                case int unit when Printable(rune): text.Append(rune.ToString()); break;
                case < 0x100: text.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}"); break;
                case < 0x10000: text.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"); break;
                default: text.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}"); break;
            }
        }
        text.Append(quote);
    }

    private static bool Printable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
