using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.PreTokenizers;

/// <summary>What becomes of the separators of a split (<c>SplitDelimiterBehavior</c> of Hugging Face tokenizers).</summary>
internal enum SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous }

/// <summary>
/// Takes the parts of a piece from left to right, each marked as separator or not, and hands on the words that a behaviour makes of them.
/// Empty words are dropped.
/// </summary>
internal ref struct SplitWriter(Piece piece, SplitBehavior behavior, IPieceSink next)
{
    private int _start;
    private int _end;
    private bool _heldIsSeparator;
    private bool _holds;

    /// <summary>The next part, which begins where the one before ended; an empty one still parts what lies on its two sides.</summary>
    public void Add(int length, bool separator)
    {
        if (behavior == SplitBehavior.Isolated)
        {
            Hand(_end, length);
            _end += length;
            return;
        }
        bool joins = _holds && behavior switch
        {
            SplitBehavior.Contiguous => separator == _heldIsSeparator,
            SplitBehavior.MergedWithPrevious => separator && !_heldIsSeparator,
            SplitBehavior.MergedWithNext => _heldIsSeparator && !separator,
            _ => false,
        };
        if (!joins) Finish();
        if (!joins) _start = _end;
        _end += length;
        _heldIsSeparator = separator;
        _holds = true;
    }

    public void Finish()
    {
        if (_holds && !(behavior == SplitBehavior.Removed && _heldIsSeparator)) Hand(_start, _end - _start);
        _holds = false;
    }

    private readonly void Hand(int start, int length)
    {
        if (length > 0) next.Take(piece.Slice(start, length));
    }
}
