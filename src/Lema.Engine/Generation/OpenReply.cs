using System.Text;
using Lema.Engine.Models.Sequences;

namespace Lema.Engine.Generation;

/// <summary>A reply in the making: its place in the sequence, its random numbers, its text. Lives from admission to its last token.</summary>
internal sealed class OpenReply : IDisposable
{
    private readonly GenerationRequest _request;
    private readonly Sampler _sampler;
    private readonly TextDecoder _decoder;
    private readonly StopStrings _stops;
    private readonly StringBuilder _text = new();
    private readonly List<int> _tokens = [];
    private readonly int _maxNewTokens;

    public OpenReply(int index, GenerationRequest request, int capacity, SequenceState state, LogitFilter filter, TextDecoder decoder)
    {
        Index = index;
        State = state;
        Pending = request.Prompt;
        _request = request;
        _maxNewTokens = capacity - request.Prompt.Count;
        _sampler = new Sampler(request.Sampling, request.Prompt, filter);
        _decoder = decoder;
        _stops = new StopStrings(request.Stops);
    }

    public int Index { get; }

    public SequenceState State { get; }

    /// <summary>Tokens that the next pass has to take: the whole prompt at first, then the last token.</summary>
    public IReadOnlyList<int> Pending { get; private set; }

    /// <summary>Tokens that earlier passes took.</summary>
    public int Past { get; private set; }

    public FinishReason? Finished { get; private set; }

    public GeneratedReply Result => new(_tokens, _text.ToString(), Finished ?? throw new InvalidOperationException("The reply is not finished."));

    /// <summary>Chooses the token that follows the pending ones from its [vocabulary] logits, which are overwritten.</summary>
    public ReplyDelta Advance(Span<float> logits)
    {
        int token = _sampler.Next(logits);
        Past += Pending.Count;
        Pending = [token];
        string text = "";
        if (_request.EndTokens.Contains(token))
        {
            Finished = FinishReason.EndToken;
        }
        else
        {
            _tokens.Add(token);
            text = _stops.Push(_decoder.Append(token));
            if (_stops.Found is not null) Finished = FinishReason.StopString;
            else if (_tokens.Count == _maxNewTokens) Finished = FinishReason.Length;
        }
        if (Finished is FinishReason.EndToken or FinishReason.Length) text += Rest();
        _text.Append(text);
        return new ReplyDelta(Index, _tokens.Count, text, Finished);
    }

    public void Dispose() => State.Dispose();

    /// <summary>The end may complete a stop string, or show that what was held back is none.</summary>
    private string Rest()
    {
        string text = _stops.Push(_decoder.Flush()) + _stops.Finish();
        if (_stops.Found is not null) Finished = FinishReason.StopString;
        return text;
    }
}
