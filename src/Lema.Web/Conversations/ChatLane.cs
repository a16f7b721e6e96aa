using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Clients;

namespace Lema.Web.Conversations;

/// <summary>One model's side of a conversation. With two lanes the same questions go to both, and each remembers its own replies.</summary>
/// <param name="label">What the page calls this model.</param>
/// <param name="connection">The host that replies.</param>
/// <param name="target">The model or checkpoint that replies.</param>
public sealed class ChatLane(string label, DaemonConnection connection, ModelReference target)
{
    private readonly List<ChatTurn> _turns = [];

    public string Label => label;

    public ModelReference Target => target;

    public IReadOnlyList<ChatTurn> Turns => _turns;

    /// <summary>Asks, and gathers the reply until it is complete or <paramref name="stop"/>.</summary>
    /// <param name="changed">Called after each piece, from the stream's thread.</param>
    public async Task AskAsync(string question, ChatOptions options, Action changed, CancellationToken stop)
    {
        ChatReply reply = new();
        ChatRequest request = RequestFor(question, options);
        _turns.Add(new(question, reply));
        changed();
        try
        {
            using AsyncServerStreamingCall<ChatResponse> call = connection.Chat.Chat(request, cancellationToken: stop);
            await foreach (ChatResponse response in call.ResponseStream.ReadAllAsync(stop))
            {
                reply.Take(response);
                changed();
            }
            if (reply.IsComing) reply.Fail(new Failure(FailureKind.Failed, "The host ended the reply before it was complete.", [], null));
        }
        catch (Exception left) when (stop.IsCancellationRequested && left is (OperationCanceledException or RpcException))
        {
            reply.Stop();
        }
        catch (RpcException failed)
        {
            reply.Fail(Failure.From(failed));
        }
        changed();
    }

    public IReadOnlyList<KeptTurn> Keep() => [.. _turns.Select(turn => turn.Reply.Keep(turn.Question))];

    /// <summary>Takes up a conversation that was kept.</summary>
    public void Restore(IEnumerable<KeptTurn> turns)
    {
        _turns.Clear();
        _turns.AddRange(turns.Select(turn => new ChatTurn(turn.Question, ChatReply.Restore(turn))));
    }

    private ChatRequest RequestFor(string question, ChatOptions options)
    {
        Conversation conversation = new();
        if (!string.IsNullOrWhiteSpace(options.SystemPrompt)) conversation.Messages.Add(new ChatMessage { Role = "system", Content = options.SystemPrompt });
        foreach (ChatTurn turn in _turns.Where(turn => turn.Reply.Completion is not null))
        {
            conversation.Messages.Add(new ChatMessage { Role = "user", Content = turn.Question });
            conversation.Messages.Add(new ChatMessage { Role = "assistant", Content = turn.Reply.Text });
        }
        conversation.Messages.Add(new ChatMessage { Role = "user", Content = question });
        return new ChatRequest { Target = target, Prompts = { new ChatPrompt { Conversation = conversation } }, Sampling = options.ToSampling() };
    }
}

/// <summary>A question and the reply to it.</summary>
public sealed record ChatTurn(string Question, ChatReply Reply);
