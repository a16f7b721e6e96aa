using Lema.Engine.Datasets.Tokenizers.Bpe;
using Lema.Engine.Datasets.Tokenizers.Decoders;
using Lema.Engine.Datasets.Tokenizers.Normalizers;
using Lema.Engine.Datasets.Tokenizers.PostProcessors;
using Lema.Engine.Datasets.Tokenizers.PreTokenizers;

namespace Lema.Engine.Datasets.Tokenizers.Loading;

/// <summary>The components of a tokenizer, as its file describes them.</summary>
internal sealed record TokenizerParts(
    Normalizer? Normalizer, PreTokenizer? PreTokenizer, BpeModel Model, PostProcessor PostProcessor, TokenDecoder Decoder,
    IReadOnlyDictionary<string, int> Vocabulary, IReadOnlyList<AddedToken> AddedTokens);

/// <summary>Reads the tokenizer.json of Hugging Face tokenizers. Truncation and padding settings of the file are not used: batches decide.</summary>
internal static class TokenizerJson
{
    private const int HighestId = (1 << 24) - 1;

    /// <exception cref="Errors.InvalidInputException">The file is not valid, or has a component that is not supported; it is named.</exception>
    public static TokenizerParts Read(string file)
    {
        JsonPart root = JsonPart.Read(file);
        Normalizer? normalizer = NormalizerReader.Read(root["normalizer"]);
        (PreTokenizer? preTokenizer, bool byteLevel) = PreTokenizerReader.Read(root["pre_tokenizer"]);
        if (root["model"].IsNull) throw root["model"].Invalid("is missing.");
        (BpeModel model, Dictionary<string, int> vocabulary) = BpeReader.Read(root["model"], byteLevel);
        AddedToken[] added = root["added_tokens"].IsNull ? [] : [.. Numbered(root["added_tokens"].Items().Select(AddedToken.From), vocabulary)];
        if (vocabulary.Values.Concat(added.Select(token => token.Id)).Max() is var highest and > HighestId)
        {
            throw root["model"]["vocab"].Invalid($"the id {highest} is over {HighestId}, far more than any model has.");
        }
        return new TokenizerParts(
            normalizer, preTokenizer, model, PostProcessorReader.Read(root["post_processor"]), DecoderReader.Read(root["decoder"]), vocabulary, added);
    }

    // As Hugging Face tokenizers numbers them, whatever ids the file names: a token of the vocabulary keeps its id there, another takes the next one.
    private static IEnumerable<AddedToken> Numbered(IEnumerable<AddedToken> added, Dictionary<string, int> vocabulary)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        int highest = -1;
        foreach (AddedToken token in added.Where(token => token.Content.Length > 0 && seen.Add(token.Content)))
        {
            int id = vocabulary.TryGetValue(token.Content, out int known) ? known : Math.Max(highest + 1, vocabulary.Count);
            highest = Math.Max(highest, id);
            yield return token with { Id = id };
        }
    }
}
