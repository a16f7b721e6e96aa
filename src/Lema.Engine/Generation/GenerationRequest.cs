namespace Lema.Engine.Generation;

/// <summary>One reply to be made.</summary>
public sealed record GenerationRequest
{
    /// <summary>Token ids before the reply, at least one.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>Tokens of the reply at the most; the model's context may end it sooner.</summary>
    public int MaxNewTokens { get; init; } = 128;

    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

    /// <summary>Tokens that end the reply and are not part of it; empty: it runs to its full length.</summary>
    public IReadOnlySet<int> EndTokens { get; init; } = new HashSet<int>();

    /// <summary>Texts that end the reply and are not part of it.</summary>
    public IReadOnlyList<string> Stops { get; init; } = [];
}

public enum FinishReason { EndToken, StopString, Length }

/// <summary>A finished reply. <see cref="Text"/> is empty when no text was asked for.</summary>
public sealed record GeneratedReply(IReadOnlyList<int> Tokens, string Text, FinishReason Reason);

/// <summary>What one pass added to one reply.</summary>
/// <param name="Request">Index of its request.</param>
/// <param name="Tokens">Tokens of the reply so far.</param>
/// <param name="Text">New text, whole characters only; may be empty while a character or a stop string is undecided.</param>
/// <param name="Finished">Set with the last delta of a reply.</param>
public readonly record struct ReplyDelta(int Request, int Tokens, string Text, FinishReason? Finished);
