using Lema.Engine.Datasets.Replies;

namespace Lema.Engine.Datasets.Batches;

/// <summary>What becomes of a row that is longer than a run's <c>maxLength</c>.</summary>
public enum Truncation
{
    /// <summary>It is cut on the right.</summary>
    Cut,

    /// <summary>It is left out, and counted.</summary>
    Drop,

    /// <summary>The dataset is refused.</summary>
    Refuse,
}

/// <summary>Which tokens of a conversation carry loss.</summary>
public enum LabelMask
{
    /// <summary>The completion of a pair, every assistant turn of a conversation, all of a plain text.</summary>
    Completion,

    /// <summary>The last assistant turn only.</summary>
    LastTurn,

    /// <summary>Every token.</summary>
    All,
}

/// <summary>How a run reads its dataset. Keys of the run file are these names in camelCase under <c>data</c>.</summary>
public sealed record DataSettings
{
    /// <summary>Rows in an order drawn from the seed, another one each epoch; false: in file order, over and over.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Rows of similar length share a micro-batch.</summary>
    public bool GroupByLength { get; init; }

    /// <summary>Several short rows fill one sequence of <c>maxLength</c> tokens; they do not see each other.</summary>
    public bool Packing { get; init; }

    public Truncation Truncation { get; init; } = Truncation.Cut;

    public LabelMask Labels { get; init; } = LabelMask.Completion;

    /// <summary>The format of the replies: rows of questions are written in it, and evaluations judge by it. Null: the built-in one, where rows have a question and what is expected.</summary>
    public ReplyFormat? ReplyFormat { get; init; }
}
