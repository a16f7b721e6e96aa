namespace Lema.Engine.Datasets.Replies;

/// <summary>What a text says when read as a reply.</summary>
/// <param name="Fields">The values of the fields that were read: all of them in a valid reply, those before the deviation in another.</param>
/// <param name="Deviation">Where the text leaves the format first; null when it follows it to the end.</param>
public sealed record ParsedReply(IReadOnlyDictionary<string, string> Fields, ReplyDeviation? Deviation)
{
    public bool IsValid => Deviation is null;
}

/// <param name="Position">Index of the first character that deviates.</param>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Problem">What stands there and what should.</param>
public sealed record ReplyDeviation(int Position, int Line, string Problem)
{
    public override string ToString() => $"line {Line}: {Problem}";
}
