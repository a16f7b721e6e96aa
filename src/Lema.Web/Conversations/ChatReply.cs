using System.Text;
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
}
