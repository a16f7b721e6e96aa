using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Evaluation;

/// <summary>What can be walked through, and how long it is.</summary>
internal static class Iterating
{
    public static bool IsIterable(object? value) => value is string or List<object?> or TupleValue or DictValue or ViewValue or RangeValue or GeneratorValue or Undefined;

    public static IEnumerable<object?> Items(object? value) => value switch
    {
        string text => PythonString.Characters(text),
        List<object?> list => list,
        TupleValue tuple => tuple.Items,
        DictValue dict => dict.Keys,
        ViewValue view => view.Items,
        RangeValue range => range.Items,
        GeneratorValue generator => generator.Take(),
        Undefined { Error.Kind: TemplateErrorKind.Security } refused => throw refused.Error,
        Undefined => [],
        _ => throw TemplateError.Type($"'{PythonText.TypeName(value)}' object is not iterable"),
    };

    public static int Length(object? value) => value switch
    {
        string text => PythonString.Length(text),
        List<object?> list => list.Count,
        TupleValue tuple => tuple.Items.Count,
        DictValue dict => dict.Count,
        ViewValue view => view.Items.Count,
        RangeValue range => range.Items.Count,
        Undefined { Error.Kind: TemplateErrorKind.Security } refused => throw refused.Error,
        Undefined => 0,
        _ => throw TemplateError.Type($"object of type '{PythonText.TypeName(value)}' has no len()"),
    };

    /// <summary>The items of what has places: a list, a tuple, a range, the characters of a string; null for anything else.</summary>
    public static IReadOnlyList<object?>? Sequence(object? value) => value switch
    {
        List<object?> list => list,
        TupleValue tuple => tuple.Items,
        RangeValue range => range.Items,
        string text => PythonString.Characters(text),
        _ => null,
    };
}
