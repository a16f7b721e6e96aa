using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.PreTokenizers;

/// <summary>Cuts a piece of normalized text into smaller ones: the words within which the model may merge.</summary>
internal abstract class PreTokenizer
{
    public abstract void Split(Piece piece, IPieceSink next);
}

/// <summary>One pre-tokenizer after another, each working on the pieces of the one before.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> parts) : PreTokenizer
{
    public override void Split(Piece piece, IPieceSink next)
    {
        IPieceSink sink = next;
        for (int index = parts.Count - 1; index >= 0; index--) sink = new Station(parts[index], sink);
        sink.Take(piece);
    }

    private sealed class Station(PreTokenizer part, IPieceSink next) : IPieceSink
    {
        public void Take(Piece piece) => part.Split(piece, next);
    }
}
