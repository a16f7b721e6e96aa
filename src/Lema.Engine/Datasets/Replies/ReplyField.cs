namespace Lema.Engine.Datasets.Replies;

/// <summary>A field of a reply: a line <c>Name: value</c>.</summary>
/// <param name="Values">The only values allowed, or empty: any text of one line that is not empty.</param>
public sealed record ReplyField(string Name, IReadOnlyList<string> Values);
