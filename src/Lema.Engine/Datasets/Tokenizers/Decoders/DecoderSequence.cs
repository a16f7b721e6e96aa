namespace Lema.Engine.Datasets.Tokenizers.Decoders;

/// <summary>Decoders one after another. Behind a <see cref="Fuse"/> the whole text counts as one token.</summary>
internal sealed class DecoderSequence(IReadOnlyList<TokenDecoder> parts) : TokenDecoder
{
    public override List<string> Decode(List<string> tokens)
    {
        foreach (TokenDecoder part in parts) tokens = part.Decode(tokens);
        return tokens;
    }

    public override DecoderStage Stream()
    {
        bool fused = false;
        List<DecoderStage> stages = [];
        foreach (TokenDecoder part in parts)
        {
            stages.Add(part is Strip strip && fused ? strip.StreamOfWholeText() : part.Stream());
            fused |= part is Fuse;
        }
        return new Stage(stages);
    }

    private sealed class Stage(List<DecoderStage> stages) : DecoderStage
    {
        public override void Append(string part, Action<string> next) => Append(0, part, next);

        public override void Flush(Action<string> next)
        {
            for (int index = 0; index < stages.Count; index++)
            {
                int following = index + 1;
                stages[index].Flush(part => Append(following, part, next));
            }
        }

        private void Append(int index, string part, Action<string> next)
        {
            if (index == stages.Count) next(part);
            else stages[index].Append(part, changed => Append(index + 1, changed, next));
        }
    }
}

/// <summary>Joins all tokens into one.</summary>
internal sealed class Fuse : TokenDecoder
{
    public override List<string> Decode(List<string> tokens) => [string.Concat(tokens)];

    public override DecoderStage Stream() => new Stage();

    private sealed class Stage : DecoderStage
    {
        public override void Append(string part, Action<string> next) => next(part);
    }
}
