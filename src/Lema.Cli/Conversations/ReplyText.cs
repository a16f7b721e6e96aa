using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Conversations;

/// <summary>What is said about a reply below it.</summary>
internal static class ReplyText
{
    /// <summary>Whether the reply has the strict form, how long it is and how fast it came.</summary>
    public static string Verdict(ChatCompletion completion)
    {
        List<string> parts = [];
        if (completion.Reply is { } reply) parts.Add(reply.Valid ? $"format ok{Confidence(reply)}" : $"no valid reply format: {reply.Problem}");
        if (completion.FinishReason == FinishReason.Length) parts.Add("cut at the limit of tokens");
        if (completion.Statistics is { } statistics)
        {
            parts.Add($"{statistics.ReplyTokens} tokens, {Quantity.Count(statistics.TokensPerSecond)} a second, first after {Quantity.Duration(statistics.TimeToFirstTokenSeconds)}");
        }
        return $"[{string.Join("; ", parts)}]";
    }

    private static string Confidence(ParsedReply reply) => reply.Confidence.Length > 0 ? $", confidence {reply.Confidence}" : "";
}
