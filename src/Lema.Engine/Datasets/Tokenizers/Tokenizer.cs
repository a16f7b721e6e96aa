using System.Buffers;
using Lema.Engine.Datasets.Tokenizers.Loading;
using Lema.Engine.Datasets.Tokenizers.Text;
using Lema.Engine.Errors;
using Microsoft.ML.Tokenizers;

namespace Lema.Engine.Datasets.Tokenizers;

/// <summary>
/// A model's tokenizer: text to token ids and back, equal to Hugging Face tokenizers on the same files. Safe for use by many threads at once.
/// </summary>
public sealed class Tokenizer : Microsoft.ML.Tokenizers.Tokenizer
{
    private readonly TokenizerParts _parts;
    private readonly bool _byteLevel;
    private readonly AddedTokenFinder _rawTokens;
    private readonly AddedTokenFinder _normalizedTokens;
    private readonly string?[] _texts;
    private readonly string?[] _written;
    private readonly HashSet<int> _special;
    private readonly Dictionary<string, int> _ids;

    private Tokenizer(string folder, TokenizerParts parts, string? bos, string? eos, string? pad)
    {
        Folder = folder;
        _parts = parts;
        _byteLevel = parts.Model.IsByteLevel;
        _rawTokens = new AddedTokenFinder(parts.AddedTokens.Where(token => !token.Normalized).Select(token => (token, token.Content)));
        _normalizedTokens = new AddedTokenFinder(parts.AddedTokens.Where(token => token.Normalized).Select(token => (token, Normalized(token.Content))));
        _special = [.. parts.AddedTokens.Where(token => token.Special).Select(token => token.Id)];
        _ids = new Dictionary<string, int>(parts.Vocabulary, StringComparer.Ordinal);
        foreach (AddedToken token in parts.AddedTokens) _ids[token.Content] = token.Id;
        _texts = new string?[_ids.Values.Max() + 1];
        foreach ((string text, int id) in _ids) _texts[id] = text;
        // A token that is looked for in normalized text also decodes from its normalized form.
        _written = [.. _texts];
        foreach (AddedToken token in parts.AddedTokens.Where(token => token.Normalized)) _written[token.Id] = Normalized(token.Content);
        (BosToken, EosToken, PadToken) = (bos, eos, pad);
    }

    /// <summary>The model folder that it was read from.</summary>
    public string Folder { get; }

    /// <summary>One more than the highest id; a model's embedding may have more rows, never fewer.</summary>
    public int VocabularySize => _texts.Length;

    public string? BosToken { get; }

    public string? EosToken { get; }

    public string? PadToken { get; }

    public int? BosTokenId => IdOf(BosToken);

    public int? EosTokenId => IdOf(EosToken);

    public int? PadTokenId => IdOf(PadToken);

    /// <summary>
    /// Reads a Hugging Face model folder: tokenizer.json, or SentencePiece's tokenizer.model where there is none, and the named tokens from
    /// tokenizer_config.json and special_tokens_map.json.
    /// </summary>
    /// <exception cref="NotFoundException">The folder has no tokenizer.</exception>
    /// <exception cref="InvalidInputException">A file is not valid or has a component that is not supported.</exception>
    public static Tokenizer Load(string modelFolder)
    {
        string json = Path.Combine(modelFolder, "tokenizer.json"), pieces = Path.Combine(modelFolder, "tokenizer.model");
        NamedTokens names = new(modelFolder);
        if (File.Exists(json)) return new Tokenizer(modelFolder, TokenizerJson.Read(json), names["bos_token"], names["eos_token"], names["pad_token"]);
        if (!File.Exists(pieces)) throw new NotFoundException("Tokenizer", json, "Put the model's tokenizer.json (or tokenizer.model) into its folder.");
        (TokenizerParts parts, string? bos, string? eos) = SentencePieceReader.Read(pieces, names.Flag("add_bos_token", true), names.Flag("add_eos_token", false));
        return new Tokenizer(modelFolder, parts, names["bos_token"] ?? bos, names["eos_token"] ?? eos, names["pad_token"]);
    }

    /// <summary>This tokenizer with further special tokens, at the ids after its own; those it has already are left as they are.</summary>
    public Tokenizer WithSpecialTokens(IEnumerable<string> contents)
    {
        int next = VocabularySize;
        AddedToken[] added = [.. contents.Distinct().Where(content => IdOf(content) is null)
            .Select(content => new AddedToken(next++, content, false, false, false, Normalized: false, Special: true))];
        return new Tokenizer(Folder, _parts with { AddedTokens = [.. _parts.AddedTokens, .. added] }, BosToken, EosToken, PadToken);
    }

    /// <summary>The text of a token as the vocabulary writes it; null for an id that has none.</summary>
    public string? TokenText(int id) => id >= 0 && id < _texts.Length ? _texts[id] : null;

    /// <summary>The id of a token by its text in the vocabulary; null where there is none.</summary>
    public int? IdOf(string? token) => token is not null && _ids.TryGetValue(token, out int id) ? id : null;

    /// <summary>Whether decoding can leave the token out.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    /// <summary>The ids of a text.</summary>
    /// <param name="addSpecialTokens">Whether the post-processor adds its tokens (a BOS, say). Special tokens in the text are recognised either way.</param>
    public int[] Encode(string text, bool addSpecialTokens)
    {
        List<int> ids = new(text.Length / 4 + 8);
        if (addSpecialTokens) ids.AddRange(_parts.PostProcessor.Before);
        Encode(text, tracked: false, new IdTarget(_parts.Model, ids));
        if (addSpecialTokens) ids.AddRange(_parts.PostProcessor.After);
        return [.. ids];
    }

    /// <summary>The ids of a prompt: what the post-processor puts before a text (a BOS, say) and the text, but nothing after it.</summary>
    public int[] EncodePrompt(string text) => [.. _parts.PostProcessor.Before, .. Encode(text, addSpecialTokens: false)];

    /// <summary>The ids of a text with the range of the text that each covers. Slower than <see cref="Encode(string, bool)"/>.</summary>
    public IReadOnlyList<TokenSpan> EncodeSpans(string text, bool addSpecialTokens)
    {
        List<TokenSpan> spans = [];
        if (addSpecialTokens) spans.AddRange(_parts.PostProcessor.Before.Select(id => new TokenSpan(id, 0, 0)));
        Encode(text, tracked: true, new SpanTarget(_parts.Model, _byteLevel, spans));
        if (addSpecialTokens) spans.AddRange(_parts.PostProcessor.After.Select(id => new TokenSpan(id, text.Length, text.Length)));
        return spans;
    }

    /// <summary>The text of ids; ids that the vocabulary lacks are left out.</summary>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens) =>
        string.Concat(_parts.Decoder.Decode([.. ids.Select(id => Written(id, skipSpecialTokens)).OfType<string>()]));

    /// <summary>A decoder for ids that come one by one.</summary>
    public TokenStream Stream(bool skipSpecialTokens) => new(_parts.Decoder.Stream(), id => Written(id, skipSpecialTokens));

    /// <summary>What the text becomes before it is cut into words; added tokens are not looked for.</summary>
    public string Normalized(string text) => _parts.Normalizer?.Normalize(new AlignedText(text, 0, tracked: false)).Text ?? text;

    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        int[] all = [.. ids];
        string text = Decode(all, skipSpecialTokens: false);
        bool fits = text.TryCopyTo(destination);
        (idsConsumed, charsWritten) = fits ? (all.Length, text.Length) : (0, 0);
        return fits ? OperationStatus.Done : OperationStatus.DestinationTooSmall;
    }

    public override string Decode(IEnumerable<int> ids) => Decode(ids, skipSpecialTokens: false);

    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        text ??= textSpan.ToString();
        IReadOnlyList<TokenSpan> spans = EncodeSpans(text, addSpecialTokens: false);
        EncodedToken[] tokens = [.. spans.Take(settings.MaxTokenCount)
            .Select(span => new EncodedToken(span.Id, TokenText(span.Id) ?? "", new Range(span.Start, span.End)))];
        int consumed = tokens.Length == spans.Count ? text.Length : tokens.Length == 0 ? 0 : tokens[^1].Offset.End.Value;
        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = null, CharsConsumed = consumed };
    }

    private void Encode(string text, bool tracked, IEncodingTarget target)
    {
        if (_rawTokens.IsEmpty)
        {
            EncodeSegment(text, 0, tracked, target);
            return;
        }
        foreach ((AddedToken? token, int start, int end) in _rawTokens.Segments(text))
        {
            if (token is not null) target.Take(token, start, end);
            else EncodeSegment(text[start..end], start, tracked, target);
        }
    }

    private void EncodeSegment(string text, int offset, bool tracked, IEncodingTarget target)
    {
        AlignedText segment = new(text, offset, tracked);
        if (_parts.Normalizer is { } normalizer) segment = normalizer.Normalize(segment);
        if (_normalizedTokens.IsEmpty)
        {
            EncodeWords(new Piece(segment, 0, segment.Text.Length), target);
            return;
        }
        foreach ((AddedToken? token, int start, int end) in _normalizedTokens.Segments(segment.Text))
        {
            Piece piece = new(segment, start, end - start);
            if (token is null) EncodeWords(piece, target);
            else if (!tracked) target.Take(token, 0, 0);
            else if (segment.Original(start, end - start) is var (from, to)) target.Take(token, from, to);
        }
    }

    private void EncodeWords(Piece piece, IEncodingTarget target)
    {
        if (piece.Length == 0) return;
        if (_parts.PreTokenizer is { } preTokenizer) preTokenizer.Split(piece, target);
        else target.Take(piece);
    }

    private string? Written(int id, bool skipSpecialTokens) =>
        id < 0 || id >= _written.Length || (skipSpecialTokens && IsSpecial(id)) ? null : _written[id];
}
