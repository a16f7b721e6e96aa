using System.Globalization;
using System.Numerics;
using System.Text;
using Lema.Engine.Datasets.Templates.Evaluation;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Library;

/// <summary>JSON as Python's <c>json.dumps</c> writes it, with the parameters of transformers' <c>tojson</c>.</summary>
internal sealed class JsonText
{
    private readonly StringBuilder _text = new();
    private readonly Budget _budget;
    private readonly bool _ascii;
    private readonly bool _sortKeys;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;

    private JsonText(CallArguments arguments, Budget budget)
    {
        _budget = budget;
        _ascii = Comparing.IsTrue(arguments.Get(0, "ensure_ascii", false));
        _sortKeys = Comparing.IsTrue(arguments.Get(3, "sort_keys", false));
        _indent = Indent(arguments.Get(1, "indent"), budget);
        IReadOnlyList<object?>? separators = arguments.Get(2, "separators") is { } given ? Iterating.Sequence(given) : null;
        _itemSeparator = separators?[0] as string ?? (_indent is null ? ", " : ",");
        _keySeparator = separators?[1] as string ?? ": ";
    }

    public static string Write(object? value, CallArguments arguments, Budget budget)
    {
        JsonText json = new(arguments, budget);
        json.Write(value, 0);
        return json._text.ToString();
    }

    private static string? Indent(object? indent, Budget budget)
    {
        if (indent is null or string) return indent as string;
        int width = Math.Max(Number.ToInt(indent), 0);
        budget.Charge(width);
        return new string(' ', width);
    }

    private void Write(object? value, int depth)
    {
        Parsing.TokenReader.CheckDepth();
        _budget.Step();
        switch (value)
        {
            case null: _text.Append("null"); break;
            case bool flag: _text.Append(flag ? "true" : "false"); break;
            case long or BigInteger: _text.Append(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture)); break;
            case double real: _text.Append(Real(real)); break;
            case string text: Quote(text); break;
            case List<object?> list: Items('[', ']', list, depth, item => Write(item, depth + 1)); break;
            case TupleValue tuple: Items('[', ']', tuple.Items, depth, item => Write(item, depth + 1)); break;
            case DictValue dict: Pairs(dict, depth); break;
            default: throw TemplateError.Type($"Object of type {PythonText.TypeName(value)} is not JSON serializable");
        }
    }

    private static string Real(double value) => double.IsNaN(value) ? "NaN" : double.IsInfinity(value) ? value > 0 ? "Infinity" : "-Infinity" : Number.Repr(value);

    private void Pairs(DictValue dict, int depth)
    {
        IEnumerable<(string Key, object? Value)> pairs = dict.Select(pair => (KeyText(pair.Key), pair.Value));
        if (_sortKeys) pairs = pairs.OrderBy(pair => pair.Key, Comparer<string>.Create((a, b) => Comparing.Order(a, b, "<")));
        Items('{', '}', [.. pairs], depth, pair =>
        {
            Quote(pair.Key);
            _text.Append(_keySeparator);
            Write(pair.Value, depth + 1);
        });
    }

    private static string KeyText(object? key) => key switch
    {
        string text => text,
        null => "null",
        bool flag => flag ? "true" : "false",
        double real => Real(real),
        long or BigInteger => ((IFormattable)key).ToString(null, CultureInfo.InvariantCulture),
        _ => throw TemplateError.Type($"keys must be str, int, float, bool or None, not {PythonText.TypeName(key)}"),
    };

    private void Items<T>(char open, char close, IReadOnlyList<T> items, int depth, Action<T> write)
    {
        _text.Append(open);
        for (int index = 0; index < items.Count; index++)
        {
            if (index > 0) _text.Append(_itemSeparator);
            NewLine(depth + 1);
            write(items[index]);
        }
        if (items.Count > 0) NewLine(depth);
        _text.Append(close);
    }

    private void NewLine(int depth)
    {
        if (_indent is null) return;
        _budget.Charge(1 + (long)_indent.Length * depth);
        _text.Append('\n');
        for (int level = 0; level < depth; level++) _text.Append(_indent);
    }

    private void Quote(string text)
    {
        _budget.Charge(text.Length);
        _text.Append('"');
        foreach (char unit in text)
        {
            switch (unit)
            {
                case '"': _text.Append("\\\""); break;
                case '\\': _text.Append("\\\\"); break;
                case '\n': _text.Append("\\n"); break;
                case '\r': _text.Append("\\r"); break;
                case '\t': _text.Append("\\t"); break;
                case '\b': _text.Append("\\b"); break;
                case '\f': _text.Append("\\f"); break;
                case < ' ': _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}"); break;
                case > '~' when _ascii: _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}"); break;
                default: _text.Append(unit); break;
            }
        }
        _text.Append('"');
    }
}
