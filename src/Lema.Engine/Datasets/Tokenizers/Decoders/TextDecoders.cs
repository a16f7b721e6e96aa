using Lema.Engine.Datasets.Tokenizers.Normalizers;
using Lema.Engine.Datasets.Tokenizers.PreTokenizers;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Decoders;

/// <summary>Replaces the matches of a pattern within each token.</summary>
internal sealed class ReplaceDecoder(Replace replace) : TokenwiseDecoder
{
    protected override string Change(string token, bool first) => replace.Normalize(new AlignedText(token, 0, tracked: false)).Text;
}

/// <summary><c>▁</c> back to a space; those of the first token vanish where one was put before the text.</summary>
internal sealed class MetaspaceDecoder(char replacement, PrependScheme scheme) : TokenwiseDecoder
{
    protected override string Change(string token, bool first) => first && scheme != PrependScheme.Never
        ? token.Replace(replacement.ToString(), "", StringComparison.Ordinal)
        : token.Replace(replacement, ' ');
}

/// <summary>No decoder: tokens are joined with spaces.</summary>
internal sealed class SpacedDecoder : TokenwiseDecoder
{
    protected override string Change(string token, bool first) => first ? token : " " + token;
}

/// <summary>The end-of-word suffix of a plain BPE becomes a space, and nothing after the last token.</summary>
internal sealed class SuffixDecoder(string suffix) : TokenDecoder
{
    public override List<string> Decode(List<string> tokens) =>
        [.. tokens.Select((token, index) => token.Replace(suffix, index == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];

    public override DecoderStage Stream() => new Stage(suffix);

    // Whether a token is the last shows only when the next one comes, so one suffix waits.
    private sealed class Stage(string suffix) : DecoderStage
    {
        private string? _last;

        public override void Append(string part, Action<string> next)
        {
            if (_last is not null) next(_last.Replace(suffix, " ", StringComparison.Ordinal));
            _last = part;
        }

        public override void Flush(Action<string> next)
        {
            if (_last is not null) next(_last.Replace(suffix, "", StringComparison.Ordinal));
            _last = null;
        }
    }
}
