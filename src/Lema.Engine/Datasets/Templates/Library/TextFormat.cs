using System.Globalization;
using System.Text;
using Lema.Engine.Datasets.Templates.Evaluation;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Library;

/// <summary>Python's two ways to fill values into a text: <c>%</c> and <c>str.format</c>.</summary>
internal static class TextFormat
{
    private const int WidestField = 10_000;

    /// <param name="given">A tuple of values, a dictionary for <c>%(name)s</c>, or the only value.</param>
    public static string Percent(string format, object? given, Budget budget)
    {
        IReadOnlyList<object?> values = given is TupleValue tuple ? tuple.Items : [given];
        // Python does not count what has items of its own.
        bool counted = given is not (List<object?> or DictValue or RangeValue);
        StringBuilder text = new();
        int next = 0;
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%')
            {
                text.Append(format[at]);
                continue;
            }
            int start = ++at;
            (bool Is, object? Value) named = at < format.Length && format[at] == '(' ? (true, Named(format, given, ref at)) : default;
            if (named.Is) (start, counted) = (at, false);
            while (at < format.Length && format[at] is ('-' or '+' or '0' or ' ' or '#')) at++;
            string flags = format[start..at];
            int width = Digits(format, ref at) ?? 0;
            int? precision = at < format.Length && format[at] == '.' ? ReadPrecision(format, ref at) : null;
            if (at >= format.Length) throw TemplateError.Other("incomplete format");
            if (format[at] == '%')
            {
                text.Append('%');
                continue;
            }
            if (!named.Is && next >= values.Count) throw TemplateError.Type("not enough arguments for format string");
            string field = Field(format[at], named.Is ? named.Value : values[next++], precision, flags.Contains('+', StringComparison.Ordinal), budget);
            bool zero = flags.Contains('0', StringComparison.Ordinal) && !flags.Contains('-', StringComparison.Ordinal);
            text.Append(Pad(field, width, zero ? '0' : ' ', flags.Contains('-', StringComparison.Ordinal) ? '<' : zero ? '=' : '>'));
        }
        if (counted && next < values.Count) throw TemplateError.Type("not all arguments converted during string formatting");
        budget.Charge(text.Length);
        return text.ToString();
    }

    private static object? Named(string format, object? given, ref int at)
    {
        int end = format.IndexOf(')', at);
        if (end < 0) throw TemplateError.Other("incomplete format key");
        string name = format[(at + 1)..end];
        at = end + 1;
        if (given is not DictValue dict) throw TemplateError.Type("format requires a mapping");
        return dict.TryGet(name, out object? value) ? value : throw TemplateError.Other($"'{name}'");
    }

    public static string Braces(string format, CallArguments arguments, Budget budget)
    {
        StringBuilder text = new();
        int automatic = 0;
        for (int at = 0; at < format.Length; at++)
        {
            char unit = format[at];
            bool doubled = at + 1 < format.Length && format[at + 1] == unit;
            if (unit is ('{' or '}') && doubled)
            {
                text.Append(unit);
                at++;
            }
            else if (unit == '{')
            {
                int end = format.IndexOf('}', at);
                if (end < 0) throw TemplateError.Other("expected '}' before end of string");
                text.Append(Replacement(format[(at + 1)..end], arguments, ref automatic, budget));
                at = end;
            }
            else if (unit == '}') throw TemplateError.Other("Single '}' encountered in format string");
            else text.Append(unit);
            budget.Charge(1);
        }
        return text.ToString();
    }

    private static string Replacement(string field, CallArguments arguments, ref int automatic, Budget budget)
    {
        int colon = field.IndexOf(':', StringComparison.Ordinal);
        string specification = colon < 0 ? "" : field[(colon + 1)..];
        string place = colon < 0 ? field : field[..colon];
        bool repr = place.EndsWith("!r", StringComparison.Ordinal);
        if (repr || place.EndsWith("!s", StringComparison.Ordinal)) place = place[..^2];
        int end = place.IndexOfAny(['.', '[']);
        string name = end < 0 ? place : place[..end];
        object? value = name.Length == 0 ? Positional(arguments, automatic++)
            : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? Positional(arguments, index)
            : arguments.Named.TryGetValue(name, out object? named) ? named : throw TemplateError.Other($"'{name}'");
        if (end >= 0) value = Followed(value, place[end..], budget);
        string text = repr ? PythonText.Repr(value, budget) : specification.Length == 0 ? PythonText.Str(value, budget) : "";
        return specification.Length == 0 ? text : Specified(repr ? text : value, specification, budget);
    }

    private static object? Positional(CallArguments arguments, int index) =>
        index < arguments.Positional.Count ? arguments.Positional[index] : throw TemplateError.Other("Replacement index out of range");

    private static object? Followed(object? value, string path, Budget budget)
    {
        Attributes attributes = new(budget);
        foreach (string part in path.Split(['.', '['], StringSplitOptions.RemoveEmptyEntries))
        {
            string name = part.TrimEnd(']');
            value = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? attributes.Item(value, (long)index) : attributes.Member(value, name);
        }
        return value;
    }

    // [[fill]align][sign][0][width][,][.precision][type]
    private static string Specified(object? value, string specification, Budget budget)
    {
        if (!(value is string || Number.Is(value))) throw TemplateError.Type($"unsupported format string passed to {PythonText.TypeName(value)}.__format__");
        int at = 0;
        char fill = ' ', align = Number.Is(value) ? '>' : '<';
        if (specification.Length > 1 && specification[1] is ('<' or '>' or '^' or '=')) (fill, align, at) = (specification[0], specification[1], 2);
        else if (specification[0] is '<' or '>' or '^' or '=') (align, at) = (specification[0], 1);
        bool plus = at < specification.Length && specification[at] == '+';
        if (at < specification.Length && specification[at] is ('+' or '-' or ' ')) at++;
        if (at < specification.Length && specification[at] == '0') (fill, align) = ('0', value is string ? '<' : '=');
        int width = Digits(specification, ref at) ?? 0;
        bool commas = at < specification.Length && specification[at] == ',';
        if (commas) at++;
        int? precision = at < specification.Length && specification[at] == '.' ? ReadPrecision(specification, ref at) : null;
        char kind = at < specification.Length ? specification[at++] : value is double && precision is not null ? 'g' : value is double ? 'r' : Number.Is(value) ? 'd' : 's';
        if (at != specification.Length) throw TemplateError.Other("Invalid format specifier");
        if (!Fits(kind, value) || (commas && value is string)) throw TemplateError.Other($"Unknown format code '{kind}' for object of type '{PythonText.TypeName(value)}'");
        string text = Field(kind, value, precision, plus, budget);
        return Pad(commas ? Grouped(text) : text, width, fill, align);
    }

    private static bool Fits(char kind, object? value) => kind switch
    {
        's' => value is string,
        'd' or 'x' or 'X' or 'o' or 'b' or 'c' => Number.IsInteger(value),
        _ => Number.Is(value),
    };

    // A comma between every three digits before the point.
    private static string Grouped(string text)
    {
        int first = text.StartsWith('-') || text.StartsWith('+') ? 1 : 0, end = first;
        while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
        for (int at = end - 3; at > first; at -= 3) text = text.Insert(at, ",");
        return text;
    }

    private static string Field(char kind, object? value, int? precision, bool plus, Budget budget)
    {
        string text;
        switch (kind)
        {
            case 's' or 'r' or 'a':
                text = kind == 's' ? PythonText.Str(value, budget) : PythonText.Repr(value, budget);
                return precision is { } most && most < text.Length ? text[..most] : text;
            case 'd' or 'i' or 'u':
                if (!Number.Is(value)) throw TemplateError.Type($"%{kind} format: a real number is required, not {PythonText.TypeName(value)}");
                text = (value is double real ? Number.Truncate(real) : Number.ToBig(value)).ToString(CultureInfo.InvariantCulture);
                break;
            case 'x' or 'X' or 'o' or 'b':
                text = InBase(Number.ToBig(value), kind);
                break;
            case 'c':
                return value as string ?? (Number.ToInt(value) is var point && System.Text.Rune.IsValid(point) ? new Rune(point).ToString() : throw TemplateError.Other("%c arg not in range(0x110000)"));
            case 'f' or 'F':
                if (!Number.Is(value)) throw TemplateError.Type($"must be real number, not {PythonText.TypeName(value)}");
                text = Number.ToDouble(value).ToString("F" + (precision ?? 6).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
                break;
            case '%':
                text = (Number.ToDouble(value) * 100).ToString("F" + (precision ?? 6).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) + "%";
                break;
            case 'e' or 'E':
                text = Number.ToDouble(value).ToString($"0.{new string('0', precision ?? 6)}{kind}+00", CultureInfo.InvariantCulture).Replace($".{kind}", $"{kind}", StringComparison.Ordinal);
                break;
            case 'g' or 'G':
                text = Number.ToDouble(value).ToString(kind + (precision ?? 6).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
                break;
            default:
                throw TemplateError.Other($"unsupported format character '{kind}'");
        }
        return plus && !text.StartsWith('-') ? "+" + text : text;
    }

    private static string InBase(System.Numerics.BigInteger value, char kind)
    {
        int radix = kind switch { 'o' => 8, 'b' => 2, _ => 16 };
        StringBuilder digits = new();
        for (System.Numerics.BigInteger rest = System.Numerics.BigInteger.Abs(value); rest > 0; rest /= radix) digits.Insert(0, "0123456789abcdef"[(int)(rest % radix)]);
        string text = (value < 0 ? "-" : "") + (digits.Length == 0 ? "0" : digits.ToString());
        return kind == 'X' ? text.ToUpperInvariant() : text;
    }

    private static string Pad(string text, int width, char fill, char align)
    {
        int missing = width - PythonString.Length(text);
        if (missing <= 0) return text;
        if (align == '=' && text.Length > 0 && text[0] is ('+' or '-')) return text[0] + new string(fill, missing) + text[1..];
        int before = align switch { '<' => 0, '^' => missing / 2, _ => missing };
        return new string(fill, before) + text + new string(fill, missing - before);
    }

    private static int ReadPrecision(string format, ref int at)
    {
        at++;
        return Digits(format, ref at) ?? 0;
    }

    private static int? Digits(string format, ref int at)
    {
        int start = at;
        while (at < format.Length && char.IsAsciiDigit(format[at])) at++;
        if (at == start) return null;
        bool fits = int.TryParse(format.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= WidestField;
        return fits ? number : throw TemplateError.Limit("a formatted field is too wide.");
    }
}
