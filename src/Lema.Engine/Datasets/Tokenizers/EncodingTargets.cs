using System.Text;
using Lema.Engine.Datasets.Tokenizers.Bpe;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers;

/// <summary>The end of the encoding road: takes words and added tokens in text order.</summary>
internal interface IEncodingTarget : IPieceSink
{
    /// <param name="start">First UTF-16 unit of the original that the token covers.</param>
    /// <param name="end">The unit after its last.</param>
    void Take(AddedToken token, int start, int end);
}

/// <summary>Collects ids only.</summary>
internal sealed class IdTarget(BpeModel model, List<int> ids) : IEncodingTarget
{
    public void Take(Piece piece) => model.Encode(piece.Span, ids);

    public void Take(AddedToken token, int start, int end) => ids.Add(token.Id);
}

/// <summary>Collects ids with the range of the original text that each covers.</summary>
internal sealed class SpanTarget(BpeModel model, bool byteLevel, List<TokenSpan> spans) : IEncodingTarget
{
    private readonly List<BpeToken> _tokens = [];

    public void Take(Piece piece)
    {
        _tokens.Clear();
        model.Encode(piece.Span, _tokens);
        int[]? unitOfByte = byteLevel ? UnitOfByte(piece.Span) : null;
        foreach ((int id, int start, int length) in _tokens)
        {
            int first = unitOfByte is null ? start : unitOfByte[start];
            int last = unitOfByte is null ? start + length - 1 : unitOfByte[start + length - 1];
            // A token that ends within a character covers the whole of it.
            if (unitOfByte is not null && char.IsHighSurrogate(piece.Span[last]) && last + 1 < piece.Length) last++;
            (int from, int to) = piece.Source.Original(piece.Start + first, last - first + 1);
            spans.Add(new TokenSpan(id, from, to));
        }
    }

    public void Take(AddedToken token, int start, int end) => spans.Add(new TokenSpan(token.Id, start, end));

    private static int[] UnitOfByte(ReadOnlySpan<char> word)
    {
        List<int> units = new(word.Length);
        int unit = 0;
        foreach (Rune rune in word.EnumerateRunes())
        {
            for (int count = 0; count < rune.Utf8SequenceLength; count++) units.Add(unit);
            unit += rune.Utf16SequenceLength;
        }
        return [.. units];
    }
}

/// <summary>A token and the part of the text that it stands for, in UTF-16 units; empty for tokens that the post-processor adds.</summary>
public readonly record struct TokenSpan(int Id, int Start, int End);
