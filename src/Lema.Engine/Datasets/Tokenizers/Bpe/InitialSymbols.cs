using System.Globalization;
using System.Text;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Bpe;

/// <summary>Cuts a word into the symbols that merging starts from: one for each byte or character that the vocabulary has.</summary>
internal sealed class InitialSymbols
{
    private const int Missing = -1;

    private readonly IReadOnlyDictionary<string, int> _vocabulary;
    private readonly BpeOptions _options;
    private readonly int[] _byteIds = new int[256];
    private readonly int[] _fallbackIds = new int[256];
    private readonly Dictionary<int, int> _characterIds = [];
    private readonly int _unknownId;

    public InitialSymbols(IReadOnlyDictionary<string, int> vocabulary, BpeOptions options)
    {
        _vocabulary = vocabulary;
        _options = options;
        _unknownId = options.UnknownToken is { } unknown ? vocabulary.GetValueOrDefault(unknown, Missing) : Missing;
        for (int value = 0; value < 256; value++)
        {
            _byteIds[value] = vocabulary.GetValueOrDefault(ByteCharacters.Of((byte)value).ToString(), Missing);
            _fallbackIds[value] = vocabulary.GetValueOrDefault($"<0x{value.ToString("X2", CultureInfo.InvariantCulture)}>", Missing);
        }
        foreach ((string token, int id) in vocabulary)
        {
            if (token.Length is 1 or 2 && CharacterClass.CodePointAt(token, 0, out int length) is var point && length == token.Length) _characterIds[point] = id;
        }
    }

    private bool Affixes => _options.ContinuingPrefix.Length + _options.EndOfWordSuffix.Length > 0;

    /// <summary>The word's own token, if the vocabulary has it.</summary>
    public BpeToken? WholeWord(ReadOnlySpan<char> word)
    {
        string text = word.ToString();
        if (!_options.ByteLevel) return _vocabulary.TryGetValue(text, out int plain) ? new BpeToken(plain, 0, word.Length) : null;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        string mapped = string.Create(bytes.Length, bytes, static (target, source) =>
        {
            for (int index = 0; index < source.Length; index++) target[index] = ByteCharacters.Of(source[index]);
        });
        return _vocabulary.TryGetValue(mapped, out int id) ? new BpeToken(id, 0, bytes.Length) : null;
    }

    public void AddTo(SymbolList symbols, ReadOnlySpan<char> word)
    {
        if (_options.ByteLevel && !Affixes && _unknownId == Missing) AddBytes(symbols, word);
        else if (_options.ByteLevel) AddMappedBytes(symbols, word);
        else AddCharacters(symbols, word);
    }

    // Bytes without a vocabulary entry vanish: there is no unknown token.
    private void AddBytes(SymbolList symbols, ReadOnlySpan<char> word)
    {
        Span<byte> bytes = stackalloc byte[4];
        int at = 0;
        foreach (Rune rune in word.EnumerateRunes())
        {
            int count = rune.EncodeToUtf8(bytes);
            for (int index = 0; index < count; index++, at++)
            {
                if (_byteIds[bytes[index]] is var id && id != Missing) symbols.Add(id, at, 1);
            }
        }
    }

    private void AddMappedBytes(SymbolList symbols, ReadOnlySpan<char> word)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(word.ToString());
        AddCharacters(symbols, string.Concat(bytes.Select(value => ByteCharacters.Of(value))));
    }

    private void AddCharacters(SymbolList symbols, ReadOnlySpan<char> word)
    {
        (int Start, int Length)? unknown = null;
        for (int at = 0, length; at < word.Length; at += length)
        {
            int point = CharacterClass.CodePointAt(word, at, out length);
            int id = IdOf(point, at == 0, at + length == word.Length);
            if (id != Missing)
            {
                if (unknown is { } run) symbols.Add(_unknownId, run.Start, run.Length);
                unknown = null;
                symbols.Add(id, at, length);
            }
            else if (!(_options.ByteFallback && AddFallback(symbols, point, at, length)) && _unknownId != Missing)
            {
                if (unknown is { } run && !_options.FuseUnknown) symbols.Add(_unknownId, run.Start, run.Length);
                unknown = unknown is { } fused && _options.FuseUnknown ? (fused.Start, at + length - fused.Start) : (at, length);
            }
        }
        if (unknown is { } last) symbols.Add(_unknownId, last.Start, last.Length);
    }

    private int IdOf(int point, bool first, bool last)
    {
        if (!Affixes) return _characterIds.GetValueOrDefault(point, Missing);
        string text = Written(point);
        if (!first) text = _options.ContinuingPrefix + text;
        if (last) text += _options.EndOfWordSuffix;
        return _vocabulary.GetValueOrDefault(text, Missing);
    }

    private bool AddFallback(SymbolList symbols, int point, int at, int length)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Written(point));
        if (bytes.Any(value => _fallbackIds[value] == Missing)) return false;

        // All bytes of a character stand for the whole of it; a symbol of length 0 would count as merged away.
        foreach (byte value in bytes) symbols.Add(_fallbackIds[value], at, length);
        return true;
    }

    private static string Written(int point) => Rune.IsValid(point) ? new Rune(point).ToString() : "\uFFFD";
}
