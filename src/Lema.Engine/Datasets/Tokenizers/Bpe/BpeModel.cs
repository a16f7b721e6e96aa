namespace Lema.Engine.Datasets.Tokenizers.Bpe;

/// <summary>
/// Byte-pair encoding of one word, as the BPE model of Hugging Face tokenizers does it, merge by merge in the order of the merge list.
/// Safe for use by many threads at once.
/// </summary>
/// <param name="vocabulary">Tokens by text.</param>
/// <param name="merges">The merges, in their order.</param>
/// <param name="options">How symbols are made from the word.</param>
internal sealed class BpeModel(IReadOnlyDictionary<string, int> vocabulary, MergeTable merges, BpeOptions options)
{
    private const int LargestKeptList = 1 << 16;

    [ThreadStatic]
    private static SymbolList? t_symbols;

    private readonly InitialSymbols _initial = new(vocabulary, options);
    private readonly WordCache _cache = new();

    /// <summary>Whether the units of its tokens are UTF-8 bytes of the word.</summary>
    public bool IsByteLevel => options.ByteLevel;

    /// <summary>Appends the ids of a word.</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (_cache.TryGet(word, out int[]? known))
        {
            ids.AddRange(known);
            return;
        }
        List<BpeToken> tokens = [];
        Encode(word, tokens);
        int[] fresh = [.. tokens.Select(token => token.Id)];
        _cache.Add(word, fresh);
        ids.AddRange(fresh);
    }

    /// <summary>Appends the tokens of a word with the units that they cover.</summary>
    public void Encode(ReadOnlySpan<char> word, List<BpeToken> tokens)
    {
        if (options.IgnoreMerges && _initial.WholeWord(word) is { } whole)
        {
            tokens.Add(whole);
            return;
        }
        SymbolList symbols = t_symbols ??= new SymbolList();
        symbols.Reset(word.Length);
        _initial.AddTo(symbols, word);
        symbols.MergeAll(merges);
        symbols.CopyTo(tokens);
        if (symbols.Capacity > LargestKeptList) t_symbols = null;
    }
}

/// <summary>How a word becomes the symbols that merging starts from.</summary>
internal sealed record BpeOptions
{
    /// <summary>Words are UTF-8 bytes written in GPT-2's byte characters.</summary>
    public bool ByteLevel { get; init; }

    /// <summary>A character that is not in the vocabulary becomes one <c>&lt;0xNN&gt;</c> token for each of its UTF-8 bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>A word that is in the vocabulary is one token, whatever the merges say.</summary>
    public bool IgnoreMerges { get; init; }

    public string? UnknownToken { get; init; }

    /// <summary>Neighbouring unknown characters are one unknown token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Written before every symbol but the first of a word; empty for none.</summary>
    public string ContinuingPrefix { get; init; } = "";

    /// <summary>Written after the last symbol of a word; empty for none.</summary>
    public string EndOfWordSuffix { get; init; } = "";
}
