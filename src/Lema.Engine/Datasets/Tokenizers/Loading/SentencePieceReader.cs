using Lema.Engine.Datasets.Tokenizers.Bpe;
using Lema.Engine.Datasets.Tokenizers.Decoders;
using Lema.Engine.Datasets.Tokenizers.Normalizers;
using Lema.Engine.Datasets.Tokenizers.Patterns;
using Lema.Engine.Datasets.Tokenizers.PostProcessors;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

/// <summary>Builds a tokenizer from a SentencePiece model, the way transformers converts Llama's (convert_slow_tokenizer.py, LlamaConverter).</summary>
internal static class SentencePieceReader
{
    private const string Space = "▁";

    /// <param name="addBos">Whether special tokens begin with BOS.</param>
    /// <param name="addEos">Whether they end with EOS.</param>
    public static (TokenizerParts Parts, string? Bos, string? Eos) Read(string file, bool addBos, bool addEos)
    {
        SentencePieceModel model = SentencePieceModel.Read(file);
        Dictionary<string, int> vocabulary = new(StringComparer.Ordinal);
        for (int id = 0; id < model.Pieces.Count; id++) vocabulary.TryAdd(model.Pieces[id].Text, id);
        BpeOptions options = new()
        {
            ByteFallback = model.ByteFallback, FuseUnknown = true,
            UnknownToken = model.UnknownId >= 0 && model.UnknownId < model.Pieces.Count ? model.Pieces[model.UnknownId].Text : null,
        };
        TokenizerParts parts = new(
            Normalizer(model), null, new BpeModel(vocabulary, Merges(model, vocabulary), options),
            new PostProcessor(addBos && Exists(model.BosId) ? [model.BosId] : [], addEos && Exists(model.EosId) ? [model.EosId] : []),
            Decoder(model), vocabulary, [.. Added(model)]);
        return (parts, Exists(model.BosId) ? model.Pieces[model.BosId].Text : null, Exists(model.EosId) ? model.Pieces[model.EosId].Text : null);

        bool Exists(int id) => id >= 0 && id < model.Pieces.Count;
    }

    // Pieces merge in the order of their scores, so every split of a piece into two others is a merge of that rank.
    private static MergeTable Merges(SentencePieceModel model, Dictionary<string, int> vocabulary)
    {
        List<(int Left, int Right, int Result, float Score, int LeftLength, int RightLength)> merges = [];
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            (string text, float score, PieceType type) = model.Pieces[id];
            if (type is not (PieceType.Normal or PieceType.UserDefined)) continue;
            for (int at = 1; at < text.Length; at++)
            {
                if (char.IsLowSurrogate(text[at])) continue;
                if (vocabulary.TryGetValue(text[..at], out int left) && vocabulary.TryGetValue(text[at..], out int right)) merges.Add((left, right, id, score, at, text.Length - at));
            }
        }
        MergeTable table = new(merges.Count);
        foreach (var merge in merges.OrderByDescending(merge => (merge.Score, merge.LeftLength, merge.RightLength))) table.Add(merge.Left, merge.Right, merge.Result);
        return table;
    }

    private static NormalizerSequence Normalizer(SentencePieceModel model)
    {
        List<Normalizer> parts = [];
        if (model.RemoveExtraWhitespaces)
        {
            parts.Add(new StripSpaces(left: true, right: true));
            parts.Add(new SpaceRuns());
        }
        if (model.AddDummyPrefix) parts.Add(new Prepend(Space));
        parts.Add(new Replace(new LiteralPattern(" "), Space));
        return new NormalizerSequence(parts);
    }

    private static DecoderSequence Decoder(SentencePieceModel model)
    {
        List<TokenDecoder> parts = [new ReplaceDecoder(new Replace(new LiteralPattern(Space), " ")), new ByteFallbackDecoder(), new Fuse()];
        if (model.AddDummyPrefix) parts.Add(new Strip(' ', start: 1, stop: 0));
        return new DecoderSequence(parts);
    }

    private static IEnumerable<AddedToken> Added(SentencePieceModel model)
    {
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            (string text, _, PieceType type) = model.Pieces[id];
            if (type is PieceType.Control or PieceType.Unknown or PieceType.UserDefined)
            {
                yield return new AddedToken(id, text, false, false, false, Normalized: false, Special: type != PieceType.UserDefined);
            }
        }
    }
}
