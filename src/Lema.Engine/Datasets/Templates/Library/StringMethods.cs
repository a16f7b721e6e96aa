using Lema.Engine.Datasets.Templates.Evaluation;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Library;

/// <summary>The methods of Python's strings.</summary>
internal sealed class StringMethods(Budget budget)
{
    /// <summary>The method of a name, bound to the text; null where there is none.</summary>
    public Func<CallArguments, object?>? Find(string text, string name) => name switch
    {
        "strip" => a => PythonString.Strip(text, Characters(a), true, true),
        "lstrip" => a => PythonString.Strip(text, Characters(a), true, false),
        "rstrip" => a => PythonString.Strip(text, Characters(a), false, true),
        "upper" => _ => PythonString.Upper(text),
        "lower" or "casefold" => _ => PythonString.Lower(text),
        "title" => _ => PythonString.Title(text, unit => !char.IsLetter(unit)),
        "capitalize" => _ => PythonString.Capitalize(text),
        "swapcase" => _ => string.Concat(text.Select(unit => char.IsUpper(unit) ? char.ToLowerInvariant(unit) : char.ToUpperInvariant(unit))),
        "split" => a => Charged(PythonString.Split(text, a.Get(0, "sep") as string, a.Whole(1, "maxsplit", -1), fromRight: false)),
        "rsplit" => a => Charged(PythonString.Split(text, a.Get(0, "sep") as string, a.Whole(1, "maxsplit", -1), fromRight: true)),
        "splitlines" => _ => Charged(PythonString.Lines(text)),
        "partition" => a => Partition(text, a.NeedText(0, "sep"), last: false),
        "rpartition" => a => Partition(text, a.NeedText(0, "sep"), last: true),
        "startswith" => a => Any(a, prefix => Window(text, a).Part.StartsWith(prefix, StringComparison.Ordinal)),
        "endswith" => a => Any(a, suffix => Window(text, a).Part.EndsWith(suffix, StringComparison.Ordinal)),
        "removeprefix" => a => a.NeedText(0, "prefix") is var prefix && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text,
        "removesuffix" => a => a.NeedText(0, "suffix") is { Length: > 0 } suffix && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text,
        "replace" => a => Replace(text, a.NeedText(0, "old"), a.NeedText(1, "new"), a.Whole(2, "count", -1)),
        "find" => a => Place(text, a, last: false),
        "rfind" => a => Place(text, a, last: true),
        "index" => a => Found(Place(text, a, last: false)),
        "rindex" => a => Found(Place(text, a, last: true)),
        "count" => a => Count(Window(text, a).Part, a.NeedText(0, "sub")),
        "join" => a => Join(text, Iterating.Items(a.Need(0, "iterable"))),
        "format" => a => TextFormat.Braces(text, a, budget),
        "format_map" => a => TextFormat.Braces(text, new CallArguments([], Names(a.Need(0, "mapping"))), budget),
        "zfill" => a => ZeroFilled(text, a.Whole(0, "width", 0)),
        "center" => a => Padded(text, a, left: 0.5),
        "ljust" => a => Padded(text, a, left: 0),
        "rjust" => a => Padded(text, a, left: 1),
        "isdigit" or "isdecimal" or "isnumeric" => _ => text.Length > 0 && text.All(char.IsNumber),
        "isalpha" => _ => text.Length > 0 && text.All(char.IsLetter),
        "isalnum" => _ => text.Length > 0 && text.All(char.IsLetterOrDigit),
        "isspace" => _ => text.Length > 0 && text.All(PythonString.IsSpace),
        "isupper" => _ => text.Any(char.IsUpper) && !text.Any(char.IsLower),
        "islower" => _ => text.Any(char.IsLower) && !text.Any(char.IsUpper),
        _ => null,
    };

    public string Replace(string text, string old, string fresh, int most)
    {
        if (most == 0) return text;
        int count = old.Length == 0 ? text.Length + 1 : (int)(long)Count(text, old);
        if (most > 0) count = Math.Min(count, most);
        budget.Charge(text.Length + (long)count * fresh.Length);
        if (old.Length > 0 && most < 0) return text.Replace(old, fresh, StringComparison.Ordinal);
        System.Text.StringBuilder changed = new();
        int at = 0;
        for (int done = 0; done < count; done++)
        {
            int next = old.Length == 0 ? at + (done == 0 ? 0 : 1) : text.IndexOf(old, at, StringComparison.Ordinal);
            if (next > text.Length) break;
            changed.Append(text, at, next - at).Append(fresh);
            at = next + old.Length;
        }
        return changed.Append(text, at, text.Length - at).ToString();
    }

    public string Join(string separator, IEnumerable<object?> items)
    {
        System.Text.StringBuilder text = new();
        bool first = true;
        foreach (object? item in items)
        {
            string part = item as string ?? throw TemplateError.Type($"sequence item: expected str instance, {PythonText.TypeName(item)} found");
            budget.Charge(part.Length + separator.Length);
            if (!first) text.Append(separator);
            text.Append(part);
            first = false;
        }
        return text.ToString();
    }

    private static string? Characters(CallArguments arguments) => arguments.Get(0, "chars") as string;

    private List<object?> Charged(List<object?> parts)
    {
        budget.ChargeItems(parts.Count);
        return parts;
    }

    private static TupleValue Partition(string text, string separator, bool last)
    {
        if (separator.Length == 0) throw TemplateError.Other("empty separator");
        int at = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0) return new TupleValue(last ? ["", "", text] : [text, "", ""]);
        return new TupleValue([text[..at], separator, text[(at + separator.Length)..]]);
    }

    private static object Any(CallArguments arguments, Func<string, bool> holds) => arguments.Need(0, "prefix") switch
    {
        string one => holds(one),
        TupleValue several => several.Items.OfType<string>().Any(holds),
        var other => throw TemplateError.Type($"first arg must be str or a tuple of str, not {PythonText.TypeName(other)}"),
    };

    private object Place(string text, CallArguments arguments, bool last)
    {
        (string part, int offset) = Window(text, arguments);
        string wanted = arguments.NeedText(0, "sub");
        int unit = last ? part.LastIndexOf(wanted, StringComparison.Ordinal) : part.IndexOf(wanted, StringComparison.Ordinal);
        return unit < 0 ? -1L : offset + (long)PythonString.Length(part[..unit]);
    }

    /// <summary>The part of a text that a method's second and third argument bound, and where it begins.</summary>
    private (string Part, int Offset) Window(string text, CallArguments arguments)
    {
        if (!arguments.Has(1, "start")) return (text, 0);
        int length = PythonString.Length(text), start = arguments.Whole(1, "start", 0), end = arguments.Whole(2, "end", length);
        string part = (string)Evaluation.Slicing.Apply(text, start, end, null, budget)!;
        return (part, start < 0 ? Math.Max(start + length, 0) : Math.Min(start, length));
    }

    private static object Found(object place) => (long)place >= 0 ? place : throw TemplateError.Other("substring not found");

    private static object Count(string text, string part)
    {
        if (part.Length == 0) return PythonString.Length(text) + 1L;
        long count = 0;
        for (int at = 0; (at = text.IndexOf(part, at, StringComparison.Ordinal)) >= 0; at += part.Length) count++;
        return count;
    }

    private static Dictionary<string, object?> Names(object? mapping) => mapping is DictValue dict
        ? dict.Where(item => item.Key is string).ToDictionary(item => (string)item.Key!, item => item.Value)
        : throw TemplateError.Type("format_map() needs a mapping");

    private string ZeroFilled(string text, int width)
    {
        int missing = width - PythonString.Length(text);
        if (missing <= 0) return text;
        budget.Charge(missing);
        int sign = text.Length > 0 && text[0] is ('+' or '-') ? 1 : 0;
        return text[..sign] + new string('0', missing) + text[sign..];
    }

    private string Padded(string text, CallArguments arguments, double left)
    {
        int missing = arguments.Whole(0, "width", 0) - PythonString.Length(text);
        string fill = arguments.Get(1, "fillchar", " ") as string ?? " ";
        if (missing <= 0 || fill.Length != 1) return text;
        budget.Charge(missing);
        // Python puts the odd one of a centred text before it where the width is odd.
        int before = left == 0.5 ? missing / 2 + (missing & (missing + PythonString.Length(text)) & 1) : (int)(missing * left);
        return new string(fill[0], before) + text + new string(fill[0], missing - before);
    }
}
