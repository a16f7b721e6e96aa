using Lema.Engine.Datasets.Templates.Evaluation;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Library;

/// <summary>The tests behind <c>is</c>.</summary>
internal static class Tests
{
    public static bool Holds(string name, object? value, CallArguments arguments) => name switch
    {
        "defined" => value is not Undefined,
        "undefined" => value is Undefined,
        "none" => value is null,
        "boolean" => value is bool,
        "true" => value is true,
        "false" => value is false,
        "integer" => Number.IsInteger(value) && value is not bool,
        "float" => value is double,
        "number" => Number.Is(value),
        "string" => value is string,
        "mapping" => value is DictValue,
        "sequence" => value is string or List<object?> or TupleValue or DictValue or RangeValue or Undefined,
        "iterable" => Iterating.IsIterable(value),
        "callable" => value is FunctionValue or ObjectValue { Call: not null },
        "escaped" => false,
        "even" => Comparing.AreEqual(Number.Calculate("%", Present(value), 2L), 0L),
        "odd" => Comparing.AreEqual(Number.Calculate("%", Present(value), 2L), 1L),
        "divisibleby" => Comparing.AreEqual(Number.Calculate("%", Present(value), arguments.Need(0, "num")), 0L),
        "lower" => PythonText.Str(value, new Budget()) is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        "upper" => PythonText.Str(value, new Budget()) is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
        "in" => Operators.Contains(arguments.Need(0, "seq"), value),
        "sameas" => arguments.Need(0, "other") is var other && (ReferenceEquals(value, other) || (value is bool or null && Equals(value, other))),
        "eq" or "equalto" or "==" => Operators.Compare("==", value, arguments.Need(0, "other")),
        "ne" or "!=" => Operators.Compare("!=", value, arguments.Need(0, "other")),
        "lt" or "lessthan" or "<" => Operators.Compare("<", value, arguments.Need(0, "other")),
        "le" or "<=" => Operators.Compare("<=", value, arguments.Need(0, "other")),
        "gt" or "greaterthan" or ">" => Operators.Compare(">", value, arguments.Need(0, "other")),
        "ge" or ">=" => Operators.Compare(">=", value, arguments.Need(0, "other")),
        _ => throw new TemplateError(TemplateErrorKind.Syntax, $"No test named '{name}'."),
    };

    private static object? Present(object? value) => value is Undefined missing ? throw missing.Error : value;
}
