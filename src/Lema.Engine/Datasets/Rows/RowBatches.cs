namespace Lema.Engine.Datasets.Rows;

/// <summary>Cuts a stream of rows into batches for many threads, bounded in rows and in text, so that long rows take no more memory than short ones.</summary>
internal static class RowBatches
{
    private const int MostRows = 2048;
    private const long MostText = 4 << 20;

    /// <summary>Every row in order; a batch holds more text than the bound only where one row does.</summary>
    public static IEnumerable<IReadOnlyList<SourceRow>> InBatches(this IEnumerable<SourceRow> rows)
    {
        List<SourceRow> batch = [];
        long text = 0;
        foreach (SourceRow row in rows)
        {
            long more = row.Row?.TextLength ?? 0;
            if (batch.Count == MostRows || (batch.Count > 0 && text + more > MostText))
            {
                yield return batch;
                (batch, text) = ([], 0);
            }
            batch.Add(row);
            text += more;
        }
        if (batch.Count > 0) yield return batch;
    }
}
