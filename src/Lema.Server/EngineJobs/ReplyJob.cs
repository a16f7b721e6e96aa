using System.Diagnostics;
using System.Security.Cryptography;
using Lema.Engine.Devices;
using Lema.Engine.Generation;
using Lema.Protocol.V1;
using Lema.Server.Workers;
using Proto = Lema.Protocol.V1;
using ReplyFormat = Lema.Engine.Datasets.Replies.ReplyFormat;

namespace Lema.Server.EngineJobs;

/// <summary>Answers a request for replies with a generator, whoever has it: a worker that serves, or one that trains.</summary>
internal static class ReplyJob
{
    private const int DefaultTokens = 256;

    /// <summary>Makes the replies on the calling thread and responds as they come.</summary>
    /// <exception cref="Engine.Errors.LemaException">A prompt that the model or its template refuses.</exception>
    public static void Answer(ReplyRequest asked, Generator generator, ModelText text)
    {
        SamplingSettings sampling = asked.Request.Sampling;
        ReplyFormat? format = asked.Request.ReplyFormat.ToEngine();
        ulong seed = sampling.HasSeed ? (ulong)sampling.Seed : (ulong)RandomNumberGenerator.GetInt32(int.MaxValue);
        GenerationRequest[] requests = [.. asked.Request.Prompts.Select(prompt => new GenerationRequest
        {
            Prompt = text.Prompts.Of(prompt, format), MaxNewTokens = sampling.MaxTokens > 0 ? sampling.MaxTokens : DefaultTokens, Sampling = Options(sampling, seed), EndTokens = text.EndTokens,
            Stops = [.. sampling.Stop],
        })];
        long start = Stopwatch.GetTimestamp();
        double[] firstToken = new double[requests.Length], finished = new double[requests.Length];
        int[] tokens = new int[requests.Length];
        IReadOnlyList<GeneratedReply> replies = generator.Generate(requests, text.Decoder, delta =>
        {
            double now = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (tokens[delta.Request] == 0) firstToken[delta.Request] = now;
            if (delta.Finished is not null) finished[delta.Request] = now;
            if (delta.Text.Length > 0)
                asked.Respond(new ChatResponse { Delta = new ChatDelta { Prompt = delta.Request, Text = delta.Text, Tokens = delta.Tokens - tokens[delta.Request] } });
            tokens[delta.Request] = delta.Tokens;
        }, asked.Cancelled);
        for (int i = 0; i < replies.Count; i++)
        {
            double decoding = finished[i] - firstToken[i];
            asked.Respond(new ChatResponse
            {
                Completion = new ChatCompletion
                {
                    Prompt = i, Text = replies[i].Text, FinishReason = Reason(replies[i].Reason), Reply = ReplyMapping.Parse(format ?? ReplyFormat.Lema, replies[i].Text),
                    Statistics = new ChatStatistics
                    {
                        PromptTokens = requests[i].Prompt.Count, ReplyTokens = replies[i].Tokens.Count, TimeToFirstTokenSeconds = firstToken[i], Seconds = finished[i],
                        TokensPerSecond = replies[i].Tokens.Count > 1 && decoding > 0 ? (replies[i].Tokens.Count - 1) / decoding : 0, Seed = (long)seed, PeakRssBytes = ProcessMemory.PeakRssBytes,
                    },
                },
            });
        }
    }

    private static SamplingOptions Options(SamplingSettings sampling, ulong seed) => new()
    {
        Temperature = sampling.Temperature,
        TopK = sampling.TopK,
        TopP = sampling.HasTopP ? sampling.TopP : 1,
        MinP = sampling.MinP,
        RepetitionPenalty = sampling.HasRepetitionPenalty ? sampling.RepetitionPenalty : 1,
        Seed = seed,
    };

    private static Proto.FinishReason Reason(Lema.Engine.Generation.FinishReason reason) => reason switch
    {
        Lema.Engine.Generation.FinishReason.StopString => Proto.FinishReason.Stop,
        Lema.Engine.Generation.FinishReason.Length => Proto.FinishReason.Length,
        _ => Proto.FinishReason.End,
    };
}
