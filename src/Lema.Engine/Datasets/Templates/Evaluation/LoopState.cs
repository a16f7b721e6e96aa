using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates.Evaluation;

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class LoopState
{
    private readonly List<object?> _items;
    private readonly int _depth;
    private readonly Budget _budget;
    private IReadOnlyList<object?>? _lastChanged;

    /// <param name="recurse">What calling <c>loop(…)</c> does; null where the loop is not recursive.</param>
    public LoopState(List<object?> items, int depth, Func<CallArguments, object?>? recurse, Budget budget)
    {
        (_items, _depth, _budget) = (items, depth, budget);
        Value = new ObjectValue("LoopContext", Attribute, recurse);
    }

    public int Index { get; set; }

    public ObjectValue Value { get; }

    private object? Attribute(string name) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "revindex" => (long)_items.Count - Index,
        "revindex0" => (long)_items.Count - Index - 1,
        "first" => Index == 0,
        "last" => Index == _items.Count - 1,
        "length" => (long)_items.Count,
        "depth" => (long)_depth,
        "depth0" => _depth - 1L,
        "previtem" => Index > 0 ? _items[Index - 1] : new Undefined("there is no previous item"),
        "nextitem" => Index < _items.Count - 1 ? _items[Index + 1] : new Undefined("there is no next item"),
        "cycle" => new FunctionValue("cycle", Cycle),
        "changed" => new FunctionValue("changed", Changed),
        _ => new Undefined($"'loop object' has no attribute '{name}'"),
    };

    private object? Cycle(CallArguments arguments) =>
        arguments.Positional.Count > 0 ? arguments.Positional[Index % arguments.Positional.Count] : throw TemplateError.Type("no items for cycling given");

    private object? Changed(CallArguments arguments)
    {
        _budget.Step();
        bool same = _lastChanged is { } last && last.Count == arguments.Positional.Count && last.Zip(arguments.Positional).All(pair => Comparing.AreEqual(pair.First, pair.Second));
        _lastChanged = arguments.Positional;
        return !same;
    }
}
