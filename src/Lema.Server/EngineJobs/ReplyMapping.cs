using Lema.Engine.Datasets.Replies;
using Lema.Engine.Evaluation;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Replies of the engine in the terms of the protocol.</summary>
internal static class ReplyMapping
{
    public static Proto.ParsedReply Parse(ReplyFormat format, string text) => ToProto(format, format.Parse(text));

    public static Proto.EvaluatedReply ToProto(ReplyFormat format, EvaluatedReply reply, int index) => new()
    {
        Index = index, Question = reply.Question.Question, Expected = reply.Question.Expected, Text = reply.Reply, Reply = ToProto(format, reply.Parsed), Right = reply.IsRight,
    };

    private static Proto.ParsedReply ToProto(ReplyFormat format, ParsedReply parsed)
    {
        Proto.ParsedReply reply = new()
        {
            Valid = parsed.IsValid,
            Answer = parsed.Fields.GetValueOrDefault("Answer", ""),
            Explanation = parsed.Fields.GetValueOrDefault("Explanation", ""),
            Confidence = parsed.Fields.GetValueOrDefault("Confidence", ""),
            Problem = parsed.Deviation?.ToString() ?? "",
            Format = format.Name,
        };
        reply.Fields.AddRange(format.Fields.Where(field => parsed.Fields.ContainsKey(field.Name)).Select(field => new Proto.ReplyFieldValue { Name = field.Name, Value = parsed.Fields[field.Name] }));
        return reply;
    }
}
