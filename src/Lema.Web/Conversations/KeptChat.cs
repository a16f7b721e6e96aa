namespace Lema.Web.Conversations;

/// <summary>A conversation as the browser keeps it: with whom, how, and what was said.</summary>
public sealed record KeptChat
{
    public required ChatHead Head { get; init; }

    /// <summary>Key of the <see cref="ChatTarget"/>.</summary>
    public required string Target { get; init; }

    /// <summary>"last", "best" or a step.</summary>
    public string Checkpoint { get; init; } = "last";

    public bool BesideBase { get; init; }

    public ChatOptions Options { get; init; } = new();

    /// <summary>The turns of each lane, in the order of the lanes.</summary>
    public IReadOnlyList<IReadOnlyList<KeptTurn>> Lanes { get; init; } = [];
}

/// <summary>What a list of conversations shows of one.</summary>
/// <param name="Title">The first question, cut to a line.</param>
/// <param name="Label">Who answers.</param>
/// <param name="Time">When it last went on.</param>
public sealed record ChatHead(string Id, string Title, string Label, DateTimeOffset Time)
{
    private const int LongestTitle = 80;

    public static ChatHead Of(string id, string question, string label, DateTimeOffset time)
    {
        string line = question.ReplaceLineEndings(" ").Trim();
        return new(id, line.Length > LongestTitle ? line[..LongestTitle] + "…" : line, label, time);
    }
}

/// <summary>A question and what came of it.</summary>
/// <param name="Text">What had come of the reply.</param>
/// <param name="Completion">The whole reply with its check and statistics, as the daemon's message in JSON; null where it did not come to its end.</param>
/// <param name="Problem">Why it failed; null where it did not.</param>
public sealed record KeptTurn(string Question, string Text, string? Completion, string? Problem);
