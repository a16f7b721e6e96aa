namespace Lema.Engine.Datasets.Tokenizers.Decoders;

/// <summary>Drops up to <paramref name="start"/> leading and <paramref name="stop"/> trailing occurrences of a character, of each token.</summary>
internal sealed class Strip(char content, int start, int stop) : TokenwiseDecoder
{
    protected override string Change(string token, bool first)
    {
        int from = 0, to = token.Length;
        while (from < start && from < to && token[from] == content) from++;
        for (int count = 0; count < stop && to > from && token[to - 1] == content; count++) to--;
        return token[from..to];
    }

    /// <summary>Streams a text that an earlier station has fused: its beginning and its end are stripped, not each token's.</summary>
    public DecoderStage StreamOfWholeText() => new WholeText(content, start, stop);

    private sealed class WholeText(char content, int start, int stop) : DecoderStage
    {
        private int _leading = start;
        private int _held;

        public override void Append(string part, Action<string> next)
        {
            int from = 0;
            while (_leading > 0 && from < part.Length && part[from] == content)
            {
                from++;
                _leading--;
            }
            if (from == part.Length) return;
            _leading = 0;

            // The last `stop` characters may be the end of the text: they wait until something else follows.
            string text = new string(content, _held) + part[from..];
            _held = 0;
            while (_held < stop && _held < text.Length && text[text.Length - 1 - _held] == content) _held++;
            next(text[..(text.Length - _held)]);
        }
    }
}
