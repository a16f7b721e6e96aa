using System.Text;
using Google.Protobuf;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Web.Conversations;

/// <summary>One reply of a model, while it comes and once it is complete.</summary>
public sealed class ChatReply
{
    private readonly StringBuilder _text = new();

    public string Text => Completion?.Text ?? _text.ToString();

    /// <summary>What the host does before the first token.</summary>
    public Progress? Progress { get; private set; }

    public ChatCompletion? Completion { get; private set; }

    /// <summary>Why the reply did not come to its end.</summary>
    public Failure? Failure { get; private set; }

    public bool WasStopped { get; private set; }

    public bool IsComing => Completion is null && Failure is null && !WasStopped;

    public bool HasText => Completion is not null || _text.Length > 0;

    public void Take(ChatResponse response)
    {
        switch (response.KindCase)
        {
            case ChatResponse.KindOneofCase.Progress:
                Progress = response.Progress;
                break;
            case ChatResponse.KindOneofCase.Delta:
                _text.Append(response.Delta.Text);
                break;
            case ChatResponse.KindOneofCase.Completion:
                Completion = response.Completion;
                break;
        }
    }

    public void Fail(Failure failure) => Failure = failure;

    public void Stop() => WasStopped = true;

    /// <summary>What a browser keeps of it; a reply that is still coming is kept as one that was stopped.</summary>
    public KeptTurn Keep(string question) => new(question, Text, Completion is null ? null : JsonFormatter.Default.Format(Completion), Failure?.Message);

    public static ChatReply Restore(KeptTurn kept)
    {
        ChatReply reply = new();
        reply._text.Append(kept.Text);
        if (kept.Completion is { } completion) reply.Completion = JsonParser.Default.Parse<ChatCompletion>(completion);
        else if (kept.Problem is { } problem) reply.Failure = new Failure(FailureKind.Failed, problem, [], null);
        else reply.WasStopped = true;
        return reply;
    }
}
