namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>The parts of a regular expression.</summary>
internal abstract record RegexNode
{
    /// <summary>How many code points every match has; null where that varies.</summary>
    public abstract int? Width { get; }
}

internal sealed record SetNode(CodePointSet Set) : RegexNode
{
    public override int? Width => 1;
}

internal sealed record SequenceNode(IReadOnlyList<RegexNode> Parts) : RegexNode
{
    public override int? Width => Parts.Aggregate((int?)0, (sum, part) => sum + part.Width);
}

internal sealed record ChoiceNode(IReadOnlyList<RegexNode> Choices) : RegexNode
{
    public override int? Width => Choices.All(choice => choice.Width == Choices[0].Width) ? Choices[0].Width : null;
}

internal enum Greed { Greedy, Lazy, Possessive }

/// <param name="Max">Null: no limit.</param>
internal sealed record RepeatNode(RegexNode Body, int Min, int? Max, Greed Greed) : RegexNode
{
    public override int? Width => Min == Max ? Body.Width * Min : null;
}

/// <summary>Once matched, its inside is not tried again.</summary>
internal sealed record AtomicNode(RegexNode Body) : RegexNode
{
    public override int? Width => Body.Width;
}

internal sealed record LookNode(RegexNode Body, bool Behind, bool Negated) : RegexNode
{
    public override int? Width => 0;
}

internal enum Anchor { LineStart, LineEnd, TextStart, TextEnd, TextEndOrLastNewline, WordBoundary, NoWordBoundary }

internal sealed record AnchorNode(Anchor Anchor) : RegexNode
{
    public override int? Width => 0;
}
