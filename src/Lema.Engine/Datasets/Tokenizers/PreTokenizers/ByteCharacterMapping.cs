using System.Text;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.PreTokenizers;

/// <summary>Writes the UTF-8 bytes of each piece in GPT-2's byte characters, where a further pre-tokenizer works on those.</summary>
internal sealed class ByteCharacterMapping : PreTokenizer
{
    public override void Split(Piece piece, IPieceSink next)
    {
        AlignedText mapped = Map(piece.Source, piece.Start, piece.Length);
        next.Take(new Piece(mapped, 0, mapped.Text.Length));
    }

    public static AlignedText Map(AlignedText source, int start, int length)
    {
        string text = source.Text.Substring(start, length);
        StringBuilder mapped = new(length);
        foreach (byte value in Encoding.UTF8.GetBytes(text)) mapped.Append(ByteCharacters.Of(value));
        return source.Changed(mapped.ToString(), builder =>
        {
            int at = start;
            foreach (Rune rune in text.EnumerateRunes())
            {
                builder.Replace(at, rune.Utf16SequenceLength, rune.Utf8SequenceLength);
                at += rune.Utf16SequenceLength;
            }
        });
    }
}
