namespace Lema.Engine.Datasets.Batches;

/// <summary>Puts rows together into sequences of bounded length: each row goes to the fullest open sequence that still has room (best fit).</summary>
internal static class SequencePacker
{
    private const int OpenSequences = 256;

    /// <param name="order">Rows in the order in which they are placed.</param>
    /// <param name="lengthOf">Tokens of a row; a longer row than <paramref name="maxLength"/> counts as that long.</param>
    /// <returns>The rows of each sequence.</returns>
    public static List<int[]> Pack(IEnumerable<int> order, Func<int, int> lengthOf, int maxLength)
    {
        List<int[]> closed = [];
        List<(List<int> Rows, int Room)> open = [];
        foreach (int row in order)
        {
            int length = Math.Min(lengthOf(row), maxLength), best = -1;
            for (int index = 0; index < open.Count; index++)
            {
                if (open[index].Room >= length && (best < 0 || open[index].Room < open[best].Room)) best = index;
            }
            if (best >= 0)
            {
                open[best].Rows.Add(row);
                open[best] = (open[best].Rows, open[best].Room - length);
                continue;
            }
            if (open.Count == OpenSequences) Close(open, closed);
            open.Add(([row], maxLength - length));
        }
        closed.AddRange(open.Select(sequence => sequence.Rows.ToArray()));
        return closed;
    }

    private static void Close(List<(List<int> Rows, int Room)> open, List<int[]> closed)
    {
        int fullest = 0;
        for (int index = 1; index < open.Count; index++)
        {
            if (open[index].Room < open[fullest].Room) fullest = index;
        }
        closed.Add([.. open[fullest].Rows]);
        open.RemoveAt(fullest);
    }
}
