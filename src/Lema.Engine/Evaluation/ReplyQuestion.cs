namespace Lema.Engine.Evaluation;

/// <summary>A question and the text that has to stand in its answer as whole words.</summary>
/// <param name="Expected">Empty: nothing is expected, and no reply is right.</param>
public sealed record ReplyQuestion(string Question, string Expected);
