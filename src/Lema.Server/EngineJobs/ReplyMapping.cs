using Lema.Engine.Datasets.Replies;
using Lema.Engine.Evaluation;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Replies of the engine in the terms of the protocol.</summary>
internal static class ReplyMapping
{
    public static Proto.ParsedReply Parse(string text) => ToProto(ReplyFormat.Lema.Parse(text));

    public static Proto.ParsedReply ToProto(ParsedReply parsed) => new()
    {
        Valid = parsed.IsValid,
        Answer = parsed.Fields.GetValueOrDefault("Answer", ""),
        Explanation = parsed.Fields.GetValueOrDefault("Explanation", ""),
        Confidence = parsed.Fields.GetValueOrDefault("Confidence", ""),
        Problem = parsed.Deviation?.ToString() ?? "",
    };

    public static Proto.EvaluatedReply ToProto(EvaluatedReply reply, int index) => new()
    {
        Index = index, Question = reply.Question.Question, Expected = reply.Question.Expected, Text = reply.Reply, Reply = ToProto(reply.Parsed), Right = reply.IsRight,
    };
}
