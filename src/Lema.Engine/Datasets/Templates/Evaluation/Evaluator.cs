using System.Text;
using Lema.Engine.Datasets.Templates.Library;
using Lema.Engine.Datasets.Templates.Parsing;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Evaluation;

/// <summary>Computes expressions.</summary>
internal sealed class Evaluator(Budget budget)
{
    private readonly Filters _filters = new(budget);
    private readonly Attributes _attributes = new(budget);

    /// <param name="body">The text of the enclosing filter or set block; null outside of one.</param>
    public object? Evaluate(Expression expression, Scope scope, string? body = null)
    {
        TokenReader.CheckDepth();
        budget.Step();
        return expression switch
        {
            Constant constant => constant.Value,
            Variable variable => scope.TryGet(variable.Name, out object? value) ? value : Undefined.Variable(variable.Name),
            BodyText => body,
            ListLiteral list => Charged(list.Items.Select(item => Evaluate(item, scope, body)).ToList()),
            TupleLiteral tuple => new TupleValue(tuple.Items.Select(item => Evaluate(item, scope, body)).ToArray()),
            DictLiteral dict => Dictionary(dict, scope, body),
            Member member => _attributes.Member(Evaluate(member.Target, scope, body), member.Name),
            Parsing.Index { Key: Slice slice } index => Sliced(index, slice, scope, body),
            Parsing.Index index => _attributes.Item(Evaluate(index.Target, scope, body), Evaluate(index.Key, scope, body)),
            Call call => Invoke(Evaluate(call.Target, scope, body), Arguments(call.Arguments, scope, body)),
            Filter filter => _filters.Apply(filter.Name, Evaluate(filter.Target!, scope, body), Arguments(filter.Arguments, scope, body)),
            Test test => Tests.Holds(test.Name, Evaluate(test.Target, scope, body), Arguments(test.Arguments, scope, body)),
            Unary unary => Unary(unary, scope, body),
            Binary binary => Binary(binary, scope, body),
            Concatenation concatenation => Concatenated(concatenation, scope, body),
            Comparison comparison => Compare(comparison, scope, body),
            Conditional conditional => Choose(conditional, scope, body),
            Slice => throw TemplateError.Type("a slice stands alone."),
            _ => throw new InvalidOperationException($"{expression.GetType().Name} has no value."),
        };
    }

    public object? Invoke(object? target, CallArguments arguments)
    {
        switch (target)
        {
            case FunctionValue function: return function.Call(arguments);
            case ObjectValue { Call: { } call }: return call(arguments);
            case Undefined missing: throw missing.Error;
            default: throw TemplateError.Type($"'{PythonText.TypeName(target)}' object is not callable");
        }
    }

    public CallArguments Arguments(Arguments arguments, Scope scope, string? body)
    {
        List<object?> positional = [.. arguments.Positional.Select(argument => Evaluate(argument, scope, body))];
        if (arguments.Spread is not null) positional.AddRange(Iterating.Items(Evaluate(arguments.Spread, scope, body)));
        Dictionary<string, object?> named = new(StringComparer.Ordinal);
        foreach ((string name, Expression value) in arguments.Named) named[name] = Evaluate(value, scope, body);
        if (arguments.NamedSpread is null) return new CallArguments(positional, named);
        if (Evaluate(arguments.NamedSpread, scope, body) is not DictValue spread) throw TemplateError.Type("argument after ** must be a mapping");
        foreach ((object? key, object? value) in spread) named[key as string ?? throw TemplateError.Type("keywords must be strings")] = value;
        return new CallArguments(positional, named);
    }

    private List<object?> Charged(List<object?> list)
    {
        budget.ChargeItems(list.Count);
        return list;
    }

    private DictValue Dictionary(DictLiteral literal, Scope scope, string? body)
    {
        DictValue dict = [];
        foreach ((Expression key, Expression value) in literal.Items) dict[Evaluate(key, scope, body)] = Evaluate(value, scope, body);
        budget.ChargeItems(dict.Count);
        return dict;
    }

    private object? Sliced(Parsing.Index index, Slice slice, Scope scope, string? body)
    {
        object? target = Evaluate(index.Target, scope, body);
        if (target is Undefined missing) throw missing.Error;
        try
        {
            return Slicing.Apply(target, Bound(slice.Start), Bound(slice.Stop), Bound(slice.Step), budget);
        }
        catch (TemplateError problem) when (problem.Kind == TemplateErrorKind.Type)
        {
            // As with any item that cannot be had.
            return new Undefined(problem.Message);
        }

        int? Bound(Expression? bound) => bound is null || Evaluate(bound, scope, body) is not { } value ? null : Number.ToInt(value);
    }

    private object? Unary(Unary unary, Scope scope, string? body)
    {
        object? value = Evaluate(unary.Operand, scope, body);
        if (unary.Operator == "not") return !Comparing.IsTrue(value);
        if (value is Undefined missing) throw missing.Error;
        if (!Number.Is(value)) throw TemplateError.Type($"bad operand type for unary {unary.Operator}: '{PythonText.TypeName(value)}'");
        return unary.Operator == "-" ? Number.Negate(value) : value is bool ? Number.Of(Number.ToBig(value)) : value;
    }

    private object? Binary(Binary binary, Scope scope, string? body)
    {
        object? left = Evaluate(binary.Left, scope, body);
        return binary.Operator switch
        {
            "and" => Comparing.IsTrue(left) ? Evaluate(binary.Right, scope, body) : left,
            "or" => Comparing.IsTrue(left) ? left : Evaluate(binary.Right, scope, body),
            _ => Operators.Apply(binary.Operator, left, Evaluate(binary.Right, scope, body), budget),
        };
    }

    private string Concatenated(Concatenation concatenation, Scope scope, string? body)
    {
        StringBuilder text = new();
        foreach (Expression part in concatenation.Parts) text.Append(PythonText.Str(Evaluate(part, scope, body), budget));
        budget.Charge(text.Length);
        return text.ToString();
    }

    private object Compare(Comparison comparison, Scope scope, string? body)
    {
        object? left = Evaluate(comparison.First, scope, body);
        foreach ((string operation, Expression next) in comparison.Rest)
        {
            object? right = Evaluate(next, scope, body);
            if (!Operators.Compare(operation, left, right)) return false;
            left = right;
        }
        return true;
    }

    private object? Choose(Conditional conditional, Scope scope, string? body)
    {
        if (Comparing.IsTrue(Evaluate(conditional.Condition, scope, body))) return Evaluate(conditional.Then, scope, body);
        return conditional.Otherwise is { } otherwise ? Evaluate(otherwise, scope, body)
            : new Undefined("the inline if-expression evaluated to false and no else section was defined.");
    }
}
