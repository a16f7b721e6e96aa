namespace Lema.Engine.Datasets.Tokenizers.Patterns;

internal enum Operation
{
    /// <summary>One code point of <see cref="Instruction.Set"/>.</summary>
    Set,

    /// <summary>As many as possible of the set, from Min to Max; gives back one by one.</summary>
    GreedyRun,

    /// <summary>As many as possible of the set; gives nothing back.</summary>
    PossessiveRun,

    /// <summary>Goes on at Target, later perhaps at Other.</summary>
    Split,

    Jump,

    /// <summary>Remembers the position of a loop in the slot Min.</summary>
    Mark,

    /// <summary>Fails unless the loop of the slot Min has moved on: an empty round would repeat for ever.</summary>
    Progress,

    Anchor,

    /// <summary>Matches Inner and goes on after it.</summary>
    Atomic,

    /// <summary>Matches Inner here, or Min code points earlier, without moving.</summary>
    Look,

    Match,
}

/// <summary>One instruction of a compiled pattern; what its fields mean depends on the operation.</summary>
internal sealed record Instruction(Operation Operation)
{
    public CodePointSet? Set { get; init; }

    public int Min { get; init; }

    public int Max { get; init; } = int.MaxValue;

    public int Target { get; set; }

    public int Other { get; set; }

    public Anchor Anchor { get; init; }

    public bool Negated { get; init; }

    public RegexProgram? Inner { get; init; }
}

/// <summary>A compiled pattern.</summary>
internal sealed record RegexProgram(IReadOnlyList<Instruction> Instructions, int Slots)
{
    private readonly Instruction[] _code = [.. Instructions];

    public ReadOnlySpan<Instruction> Code => _code;
}
