using Lema.Engine.Datasets.Replies;

namespace Lema.Engine.Evaluation;

/// <param name="Reply">Whole text of the reply, without its end token.</param>
/// <param name="Parsed">What it says as a reply of the format.</param>
/// <param name="IsRight">By <see cref="RightAnswer"/>.</param>
public sealed record EvaluatedReply(ReplyQuestion Question, string Reply, ParsedReply Parsed, bool IsRight);

/// <summary>Replies to a list of questions, in its order.</summary>
public sealed record ReplyEvaluation(IReadOnlyList<EvaluatedReply> Replies)
{
    public int Questions => Replies.Count;

    public int ValidFormat => Replies.Count(reply => reply.Parsed.IsValid);

    public int RightAnswers => Replies.Count(reply => reply.IsRight);
}
