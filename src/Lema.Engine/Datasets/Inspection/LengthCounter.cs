namespace Lema.Engine.Datasets.Inspection;

/// <summary>Counts rows by their number of tokens.</summary>
internal sealed class LengthCounter(int maxLength)
{
    private const int SmallestBound = 16;
    private const int Bounds = 14;

    private readonly long[] _counts = new long[Bounds];
    private long _rows, _tokens, _lossTokens, _rowsOverLength;
    private int _longest;

    public void Add(TokenizedRow row)
    {
        _rows++;
        _tokens += row.Length;
        _lossTokens += row.LossTokens;
        _longest = Math.Max(_longest, row.Length);
        if (maxLength > 0 && row.Length > maxLength) _rowsOverLength++;
        int bound = 0;
        while (bound < Bounds - 1 && row.Length > Bound(bound)) bound++;
        _counts[bound]++;
    }

    public TokenStatistics Statistics() => new(
        _tokens, _lossTokens, _longest, _rows == 0 ? 0 : (double)_tokens / _rows, _rowsOverLength, [.. _counts.Select((count, index) => (Bound(index), count))]);

    // 16, 32, 64, … and the last without limit.
    private static int Bound(int index) => index == Bounds - 1 ? int.MaxValue : SmallestBound << index;
}
