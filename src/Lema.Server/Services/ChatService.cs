using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.EngineJobs;
using Lema.Server.Jobs;

namespace Lema.Server.Services;

/// <summary>Conversations, for clients. Made for each call.</summary>
internal sealed class ChatService(ChatManager chats, TargetResolver targets, PatientWriter writer) : Chat.ChatBase
{
    private const int MostPrompts = 1_000, MostTokens = 65_536;

    public override async Task Chat(ChatRequest request, IServerStreamWriter<ChatResponse> responseStream, ServerCallContext context)
    {
        Check(request);
        Target target = targets.Resolve(request.Target, request.WeightBytes);
        GenerateRepliesRequest replies = new() { Sampling = request.Sampling ?? new SamplingSettings(), ReplyFormat = request.ReplyFormat ?? target.ReplyFormat };
        replies.Prompts.AddRange(request.Prompts);
        try
        {
            await foreach (ChatResponse response in chats.ChatAsync(target, replies, context.CancellationToken))
                // The worker that answers, a run's between two steps, waits for a caller who does not read: not for ever.
                await writer.WriteAsync(responseStream, response, context.CancellationToken);
        }
        catch (Exception error) when (error is not LemaException && !context.CancellationToken.IsCancellationRequested)
        {
            throw Workers.WorkerFailure.From(error).Status;
        }
    }

    private static void Check(ChatRequest request)
    {
        List<InvalidInputException> problems = [];
        void Require(bool holds, string field, string problem)
        {
            if (!holds) problems.Add(new InvalidInputException("request", field, problem));
        }
        Require(request.Prompts.Count is > 0 and <= MostPrompts, "prompts", $"between 1 and {MostPrompts} prompts are needed.");
        for (int i = 0; i < request.Prompts.Count; i++)
        {
            ChatPrompt prompt = request.Prompts[i];
            Require(prompt.InputCase != ChatPrompt.InputOneofCase.None, $"prompts[{i}]", "is empty.");
            if (prompt.InputCase == ChatPrompt.InputOneofCase.Conversation)
                Require(prompt.Conversation.Messages.Count > 0, $"prompts[{i}].conversation", "has no messages.");
        }
        SamplingSettings sampling = request.Sampling ?? new SamplingSettings();
        Require(sampling.Temperature >= 0 && sampling.Temperature <= 100, "sampling.temperature", "is not between 0 and 100.");
        Require(sampling.TopK >= 0, "sampling.topK", "is negative.");
        Require(!sampling.HasTopP || sampling.TopP > 0 && sampling.TopP <= 1, "sampling.topP", "is not above 0 and at most 1.");
        Require(sampling.MinP >= 0 && sampling.MinP < 1, "sampling.minP", "is not at least 0 and below 1.");
        Require(!sampling.HasRepetitionPenalty || sampling.RepetitionPenalty > 0 && sampling.RepetitionPenalty <= 100, "sampling.repetitionPenalty", "is not above 0 and at most 100.");
        Require(sampling.MaxTokens is >= 0 and <= MostTokens, "sampling.maxTokens", $"is not between 1 and {MostTokens}.");
        Require(sampling.Stop.All(stop => stop.Length > 0), "sampling.stop", "holds an empty string.");
        Require(request.WeightBytes >= 0, "weightBytes", "is negative.");
        if (request.ReplyFormat is { } format) problems.AddRange(ReplyFormatMapping.Problems(format, "replyFormat"));
        if (problems.Count > 0) throw new InvalidInputsException(problems);
    }
}
