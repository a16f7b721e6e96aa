namespace Lema.Engine.Datasets.Replies;

/// <summary>One question with the reply that is wanted. <see cref="Expected"/> is what has to stand in the Answer field as whole words.</summary>
public sealed record ReplyRow(string Question, string Answer, string Explanation, string Confidence, string Expected, string Relation, string Subject);

/// <summary>Rows to train on, and rows of facts that no training row touches.</summary>
public sealed record ReplyRows(IReadOnlyList<ReplyRow> Train, IReadOnlyList<ReplyRow> HeldOut);
