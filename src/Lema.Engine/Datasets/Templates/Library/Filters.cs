using System.Globalization;
using System.Numerics;
using Lema.Engine.Datasets.Templates.Evaluation;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Library;

/// <summary>Jinja's filters on single values; those on sequences are in <see cref="SequenceFilters"/>.</summary>
internal sealed class Filters
{
    private readonly Budget _budget;
    private readonly StringMethods _strings;
    private readonly SequenceFilters _sequences;

    public Filters(Budget budget)
    {
        _budget = budget;
        _strings = new StringMethods(budget);
        _sequences = new SequenceFilters(this, budget);
    }

    public object? Apply(string name, object? value, CallArguments arguments)
    {
        _budget.Step();
        switch (name)
        {
            case "default" or "d":
                bool missing = value is Undefined || (Comparing.IsTrue(arguments.Get(1, "boolean", false)) && !Comparing.IsTrue(value));
                return missing ? arguments.Get(0, "default_value", "") : value;
            case "string": return Text(value);
            case "safe": return Text(value);
            case "upper": return PythonString.Upper(Text(value));
            case "lower": return PythonString.Lower(Text(value));
            case "capitalize": return PythonString.Capitalize(Text(value));
            case "title": return PythonString.Title(Text(value), unit => char.IsWhiteSpace(unit) || unit is '-' or '(' or '{' or '[' or '<');
            case "trim": return PythonString.Strip(Text(value), arguments.Get(0, "chars") as string, true, true);
            case "replace": return _strings.Replace(Text(value), Text(arguments.Need(0, "old")), Text(arguments.Need(1, "new")), arguments.Whole(2, "count", -1));
            case "escape" or "e" or "forceescape": return Escaped(Text(value));
            case "indent": return Indented(value as string ?? throw TemplateError.Type($"indent needs a string, not {PythonText.TypeName(value)}"), arguments);
            case "center": return _strings.Find(Text(value), "center")!(CallArguments.Of(arguments.Get(0, "width", 80L)));
            case "truncate": return Truncated(value, arguments);
            case "wordcount": return (long)PythonString.WordCount(Text(value));
            case "format": return TextFormat.Percent(Text(value), new TupleValue(arguments.Positional), _budget);
            case "tojson": return JsonText.Write(value, arguments, _budget);
            case "int": return Integer(value, arguments);
            case "float": return Real(value, arguments);
            case "abs": return Number.Is(Needed(value)) ? value is double real ? Math.Abs(real) : Number.Of(BigInteger.Abs(Number.ToBig(value))) : throw TemplateError.Type($"bad operand type for abs(): '{PythonText.TypeName(value)}'");
            case "round": return Rounded(Needed(value), arguments);
            case "attr": return value is DictValue ? Undefined.Attribute(value, arguments.NeedText(0, "name")) : new Attributes(_budget).Member(value, arguments.NeedText(0, "name"));
            case "length" or "count": return (long)Iterating.Length(value);
            default: return _sequences.Apply(name, value, arguments);
        }
    }

    private string Text(object? value) => value is Undefined { Error.Kind: TemplateErrorKind.Security } refused ? throw refused.Error : PythonText.Str(value, _budget);

    private static object? Needed(object? value) => value is Undefined missing ? throw missing.Error : value;

    private string Escaped(string text)
    {
        string escaped = text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal);
        _budget.Charge(escaped.Length);
        return escaped;
    }

    private string Indented(string text, CallArguments arguments)
    {
        object? width = arguments.Get(0, "width", 4L);
        bool first = Comparing.IsTrue(arguments.Get(1, "first", false)), blank = Comparing.IsTrue(arguments.Get(2, "blank", false));
        string[] lines = [.. PythonString.Lines(text + "\n").Cast<string>()];
        long spaces = width is string given ? given.Length : Number.ToInt(width);
        _budget.Charge(text.Length + Math.Max(spaces, 0) * lines.Length);
        string indent = width as string ?? new string(' ', (int)Math.Max(spaces, 0));
        return string.Join('\n', lines.Select((line, index) => (index > 0 || first) && (line.Length > 0 || blank) ? indent + line : line));
    }

    private object? Truncated(object? value, CallArguments arguments)
    {
        int length = arguments.Whole(0, "length", 255), leeway = arguments.Whole(3, "leeway", 5);
        string end = arguments.Get(2, "end", "...") as string ?? "...";
        if (Iterating.Length(value) <= length + leeway) return value;
        string text = value as string ?? throw TemplateError.Type($"truncate needs a string, not {PythonText.TypeName(value)}");
        string cut = (string)Slicing.Apply(text, 0, Math.Max(length - PythonString.Length(end), 0), null, _budget)!;
        if (Comparing.IsTrue(arguments.Get(1, "killwords", false))) return cut + end;
        int space = cut.LastIndexOf(' ');
        return (space < 0 ? cut : cut[..space]) + end;
    }

    private static object? Integer(object? value, CallArguments arguments)
    {
        object? otherwise = arguments.Get(0, "default", 0L);
        switch (value)
        {
            case double real: return double.IsFinite(real) ? Number.Of(new BigInteger(real)) : otherwise;
            case string text:
                string plain = PythonString.Strip(text, null, true, true).Replace("_", "", StringComparison.Ordinal);
                if (plain.Length > 1000) throw TemplateError.Limit("the number is too long.");
                if (BigInteger.TryParse(plain, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger whole)) return Number.Of(whole);
                return double.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed) && double.IsFinite(parsed) ? Number.Of(new BigInteger(parsed)) : otherwise;
            default: return Number.Is(value) ? Number.Of(Number.ToBig(value)) : value is Undefined missing ? throw missing.Error : otherwise;
        }
    }

    private static object? Real(object? value, CallArguments arguments)
    {
        if (Number.Is(value)) return Number.ToDouble(value);
        if (value is Undefined missing) throw missing.Error;
        return value is string text && double.TryParse(PythonString.Strip(text, null, true, true), NumberStyles.Float, CultureInfo.InvariantCulture, out double parsed) ? parsed : arguments.Get(0, "default", 0.0);
    }

    private static object Rounded(object? number, CallArguments arguments)
    {
        if (Number.IsInteger(number) && arguments.Get(1, "method", "common") is "common") return Number.Round(number!, Math.Clamp(arguments.Whole(0, "precision", 0), -1000, 0));
        double value = Number.ToDouble(number);
        int precision = Math.Clamp(arguments.Whole(0, "precision", 0), -15, 15);
        double scale = Math.Pow(10, precision);
        return (arguments.Get(1, "method", "common") as string) switch
        {
            "common" => precision >= 0 ? Math.Round(value, precision, MidpointRounding.ToEven) : Math.Round(value * scale) / scale,
            "ceil" => Math.Ceiling(value * scale) / scale,
            "floor" => Math.Floor(value * scale) / scale,
            _ => throw TemplateError.Other("method must be common, ceil or floor"),
        };
    }
}
