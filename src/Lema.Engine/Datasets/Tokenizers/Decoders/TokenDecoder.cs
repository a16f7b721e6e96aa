namespace Lema.Engine.Datasets.Tokenizers.Decoders;

/// <summary>
/// Turns the texts of tokens back into text, one station of the road: whole (<see cref="Decode"/>, the rule of Hugging Face tokenizers)
/// or token by token (<see cref="Stream"/>, which emits every complete character at once).
/// </summary>
internal abstract class TokenDecoder
{
    public abstract List<string> Decode(List<string> tokens);

    /// <summary>A fresh state for one stream of tokens.</summary>
    public abstract DecoderStage Stream();
}

/// <summary>The state of one station of a streaming decoder.</summary>
internal abstract class DecoderStage
{
    /// <summary>Takes a part of the stream and hands what is complete to <paramref name="next"/>.</summary>
    public abstract void Append(string part, Action<string> next);

    /// <summary>The stream has ended: hands on what was held back.</summary>
    public virtual void Flush(Action<string> next)
    {
    }
}

/// <summary>A decoder that changes each token by itself.</summary>
internal abstract class TokenwiseDecoder : TokenDecoder
{
    /// <param name="first">Whether it is the first token of the text.</param>
    protected abstract string Change(string token, bool first);

    public override List<string> Decode(List<string> tokens) => [.. tokens.Select((token, index) => Change(token, index == 0))];

    public override DecoderStage Stream() => new Stage(this);

    private sealed class Stage(TokenwiseDecoder decoder) : DecoderStage
    {
        private bool _first = true;

        public override void Append(string part, Action<string> next)
        {
            next(decoder.Change(part, _first));
            _first = false;
        }
    }
}
