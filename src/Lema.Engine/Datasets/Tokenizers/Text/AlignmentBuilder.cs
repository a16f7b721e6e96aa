namespace Lema.Engine.Datasets.Tokenizers.Text;

/// <summary>Collects, unit by unit of a changed text, the original range that each came from.</summary>
internal sealed class AlignmentBuilder(AlignedText source, int capacity)
{
    private readonly List<int> _starts = new(capacity);
    private readonly List<int> _ends = new(capacity);

    /// <summary>Units that stand for the source's [start, start + sourceLength), all of them together.</summary>
    public void Replace(int start, int sourceLength, int units)
    {
        int from = start < source.Text.Length ? source.StartOf(start) : EndOfSource();
        int to = sourceLength == 0 ? from : source.EndOf(start + sourceLength - 1);
        for (int unit = 0; unit < units; unit++)
        {
            _starts.Add(from);
            _ends.Add(to);
        }
    }

    /// <summary>Units kept one by one from the source's [start, start + length).</summary>
    public void Keep(int start, int length)
    {
        for (int index = start; index < start + length; index++)
        {
            _starts.Add(source.StartOf(index));
            _ends.Add(source.EndOf(index));
        }
    }

    public int[] Starts(int length) => Checked(_starts, length);

    public int[] Ends(int length) => Checked(_ends, length);

    private int EndOfSource() => source.Text.Length == 0 ? source.Offset : source.EndOf(source.Text.Length - 1);

    private static int[] Checked(List<int> units, int length) =>
        units.Count == length ? [.. units] : throw new InvalidOperationException($"{units.Count} units are aligned, the text has {length}.");
}
