using System.Text;
using Lema.Engine.Datasets.Templates.Parsing;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Evaluation;

/// <summary>Runs the statements of a template and collects what they print.</summary>
internal sealed class Interpreter
{
    private readonly Budget _budget;
    private readonly Evaluator _evaluator;
    private readonly StringBuilder _root = new();
    private readonly List<(int Start, int End)> _generations = [];

    private enum Flow { Goes, Breaks, Continues }

    private Interpreter(Budget budget)
    {
        _budget = budget;
        _evaluator = new Evaluator(budget);
    }

    /// <summary>Renders a template; the spans are of what its generation blocks printed, in UTF-16 units.</summary>
    public static (string Text, IReadOnlyList<(int Start, int End)> Generations) Render(IReadOnlyList<Statement> template, Scope globals, Budget budget)
    {
        Interpreter interpreter = new(budget);
        interpreter.Run(template, new Scope(globals), interpreter._root);
        return (interpreter._root.ToString(), interpreter._generations);
    }

    private Flow Run(IReadOnlyList<Statement> body, Scope scope, StringBuilder output)
    {
        TokenReader.CheckDepth();
        foreach (Statement statement in body)
        {
            _budget.Step();
            Flow flow = Run(statement, scope, output);
            if (flow != Flow.Goes) return flow;
        }
        return Flow.Goes;
    }

    private Flow Run(Statement statement, Scope scope, StringBuilder output)
    {
        switch (statement)
        {
            case Data data:
                Write(data.Text, output);
                return Flow.Goes;
            case Print print:
                Write(PythonText.Str(_evaluator.Evaluate(print.Value, scope), _budget), output);
                return Flow.Goes;
            case If conditional:
                foreach ((Expression condition, IReadOnlyList<Statement> branch) in conditional.Branches)
                {
                    if (Comparing.IsTrue(_evaluator.Evaluate(condition, scope))) return Run(branch, scope, output);
                }
                return Run(conditional.Otherwise, scope, output);
            case For loop:
                Loop(loop, _evaluator.Evaluate(loop.Items, scope), scope, output, depth: 1);
                return Flow.Goes;
            case Set set:
                Assign(set.Target, _evaluator.Evaluate(set.Value, scope), scope);
                return Flow.Goes;
            case SetBlock block:
                object? text = Captured(block.Body, new Scope(scope));
                Assign(block.Target, block.Filtered is null ? text : _evaluator.Evaluate(block.Filtered, scope, (string?)text), scope);
                return Flow.Goes;
            case With with:
                Scope inner = new(scope);
                foreach ((Target target, Expression value) in with.Values) Assign(target, _evaluator.Evaluate(value, scope), inner);
                return Run(with.Body, inner, output);
            case Macro macro:
                scope[macro.Name] = MacroOf(macro, scope);
                return Flow.Goes;
            case CallBlock call:
                Write(PythonText.Str(CallWithBody(call, scope), _budget), output);
                return Flow.Goes;
            case FilterBlock filter:
                Write(PythonText.Str(_evaluator.Evaluate(filter.Filtered, scope, Captured(filter.Body, new Scope(scope))), _budget), output);
                return Flow.Goes;
            case GenerationBlock generation:
                Generate(generation, scope, output);
                return Flow.Goes;
            case Block block:
                return Run(block.Body, new Scope(scope), output);
            case Break: return Flow.Breaks;
            case Continue: return Flow.Continues;
            default: throw new InvalidOperationException($"{statement.GetType().Name} cannot be run.");
        }
    }

    private void Write(string text, StringBuilder output)
    {
        _budget.Charge(text.Length);
        output.Append(text);
    }

    private string Captured(IReadOnlyList<Statement> body, Scope scope)
    {
        StringBuilder text = new();
        Run(body, scope, text);
        return text.ToString();
    }

    private void Generate(GenerationBlock generation, Scope scope, StringBuilder output)
    {
        int start = _root.Length;
        string text = Captured(generation.Body, new Scope(scope));
        _generations.Add((start, start + text.Length));
        Write(text, output);
    }

    private void Loop(For loop, object? iterable, Scope scope, StringBuilder output, int depth)
    {
        List<object?> items = [];
        foreach (object? item in Iterating.Items(iterable))
        {
            _budget.Step();
            if (loop.Condition is { } condition)
            {
                Scope tested = new(scope);
                Assign(loop.Target, item, tested);
                if (!Comparing.IsTrue(_evaluator.Evaluate(condition, tested))) continue;
            }
            items.Add(item);
        }
        _budget.ChargeItems(items.Count);
        if (items.Count == 0)
        {
            Run(loop.Otherwise, new Scope(scope), output);
            return;
        }
        LoopState state = new(items, depth, loop.Recursive ? arguments => Recurse(loop, arguments, scope, depth) : null, _budget);
        for (state.Index = 0; state.Index < items.Count; state.Index++)
        {
            _budget.Step();
            Scope inner = new(scope);
            Assign(loop.Target, items[state.Index], inner);
            inner["loop"] = state.Value;
            if (Run(loop.Body, inner, output) == Flow.Breaks) break;
        }
    }

    private string Recurse(For loop, CallArguments arguments, Scope scope, int depth)
    {
        _budget.Enter();
        StringBuilder text = new();
        Loop(loop, arguments.Need(0, "iterable"), scope, text, depth + 1);
        _budget.Leave();
        return text.ToString();
    }

    private void Assign(Target target, object? value, Scope scope)
    {
        switch (target)
        {
            case NameTarget name:
                scope[name.Name] = value;
                break;
            case AttributeTarget attribute:
                if (!scope.TryGet(attribute.Name, out object? owner) || owner is not NamespaceValue space) throw TemplateError.Other("cannot assign attribute on non-namespace object");
                if (attribute.Attribute.StartsWith('_'))
                {
                    throw new TemplateError(TemplateErrorKind.Security, $"the attribute '{attribute.Attribute}' of a namespace cannot be set: it begins with an underscore. Rename it.");
                }
                space[attribute.Attribute] = value;
                break;
            case TupleTarget tuple:
                List<object?> items = [.. Iterating.Items(value)];
                if (items.Count > tuple.Items.Count) throw TemplateError.Other($"too many values to unpack (expected {tuple.Items.Count})");
                if (items.Count < tuple.Items.Count) throw TemplateError.Other($"not enough values to unpack (expected {tuple.Items.Count}, got {items.Count})");
                for (int index = 0; index < items.Count; index++) Assign(tuple.Items[index], items[index], scope);
                break;
        }
    }

    private FunctionValue MacroOf(Macro macro, Scope scope) => new(macro.Name, arguments => RunMacro(macro.Name, macro.Parameters, macro.Body, scope, arguments));

    private object? CallWithBody(CallBlock block, Scope scope)
    {
        CallArguments arguments = _evaluator.Arguments(block.Call.Arguments, scope, null);
        FunctionValue caller = new("caller", given => RunMacro("caller", block.Parameters, block.Body, scope, given));
        Dictionary<string, object?> named = new(arguments.Named) { ["caller"] = caller };
        return _evaluator.Invoke(_evaluator.Evaluate(block.Call.Target, scope), arguments with { Named = named });
    }

    private string RunMacro(
        string name, IReadOnlyList<(string Name, Expression? Default)> parameters, IReadOnlyList<Statement> body, Scope defined, CallArguments arguments)
    {
        _budget.Enter();
        Scope scope = new(defined);
        MacroNames uses = MacroNames.Of(body);
        if (arguments.Positional.Count > parameters.Count && !uses.VarArgs) throw TemplateError.Type($"macro '{name}' takes not more than {parameters.Count} argument(s)");
        Dictionary<string, object?> rest = new(arguments.Named, StringComparer.Ordinal);
        for (int index = 0; index < parameters.Count; index++)
        {
            (string parameter, Expression? otherwise) = parameters[index];
            bool positional = index < arguments.Positional.Count;
            if (rest.Remove(parameter, out object? value) && positional) throw TemplateError.Type($"macro '{name}' got multiple values for argument '{parameter}'");
            if (positional) scope[parameter] = arguments.Positional[index];
            else if (arguments.Named.ContainsKey(parameter)) scope[parameter] = value;
            else scope[parameter] = otherwise is null ? new Undefined($"parameter '{parameter}' was not provided") : _evaluator.Evaluate(otherwise, scope);
        }
        if (rest.Remove("caller", out object? caller)) scope["caller"] = caller;
        if (uses.VarArgs) scope["varargs"] = new TupleValue([.. arguments.Positional.Skip(parameters.Count)]);
        if (uses.KwArgs) scope["kwargs"] = DictOf(rest);
        else if (rest.Count > 0) throw TemplateError.Type($"macro '{name}' takes no keyword argument '{rest.Keys.First()}'");
        string text = Captured(body, scope);
        _budget.Leave();
        return text;
    }

    private static DictValue DictOf(Dictionary<string, object?> named)
    {
        DictValue dict = [];
        foreach ((string name, object? value) in named) dict[name] = value;
        return dict;
    }
}
