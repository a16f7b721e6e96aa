using System.Diagnostics;
using System.Security.Cryptography;
using Lema.Engine.Generation;
using Lema.Engine.Training;
using Lema.Protocol.V1;
using Lema.Server.Workers;
using TorchSharp;
using Proto = Lema.Protocol.V1;
using ReplyFormat = Lema.Engine.Datasets.Replies.ReplyFormat;

namespace Lema.Server.EngineJobs;

/// <summary>Holds a model open and answers.</summary>
internal static class ServeJobRunner
{
    private const int DefaultTokens = 256;

    public static void Run(ServeJob job, IJobContext context)
    {
        using var scope = torch.NewDisposeScope();
        using OpenModel open = OpenModel.Open(job.Model);
        Generator generator = new(open.Model);
        context.Publish(new WorkerEvent { Ready = new ServeReady() });
        context.Serve(request => Answer(open, generator, request));
        context.Publish(new WorkerEvent { Completed = new JobCompleted { Stopped = true } });
    }

    private static void Answer(OpenModel open, Generator generator, ReplyRequest asked)
    {
        SamplingSettings sampling = asked.Request.Sampling;
        ReplyFormat? format = asked.Request.ReplyFormat.ToEngine();
        ulong seed = sampling.HasSeed ? (ulong)sampling.Seed : (ulong)RandomNumberGenerator.GetInt32(int.MaxValue);
        GenerationRequest[] requests = [.. asked.Request.Prompts.Select(prompt => new GenerationRequest
        {
            Prompt = open.Prompts.Of(prompt, format), MaxNewTokens = sampling.MaxTokens > 0 ? sampling.MaxTokens : DefaultTokens, Sampling = Options(sampling, seed), EndTokens = open.EndTokens,
            Stops = [.. sampling.Stop],
        })];
        long start = Stopwatch.GetTimestamp();
        double[] firstToken = new double[requests.Length], finished = new double[requests.Length];
        int[] tokens = new int[requests.Length];
        IReadOnlyList<GeneratedReply> replies = generator.Generate(requests, () => TextDecoder.Of(open.Tokenizer), delta =>
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
