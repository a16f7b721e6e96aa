namespace Lema.Engine.Datasets.Batches;

/// <summary>Rows padded on the right to the longest of them, row after row: what transformers calls a batch.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Length">Tokens of each row, padding included.</param>
/// <param name="InputIds">int64 [rows, length]; padding 0.</param>
/// <param name="AttentionMask">int64 [rows, length]: 1 for a token, 0 for padding.</param>
/// <param name="Labels">int64 [rows, length]; padding <see cref="TokenizedRow.Ignored"/>.</param>
public sealed record PaddedBatch(int Rows, int Length, long[] InputIds, long[] AttentionMask, long[] Labels)
{
    public static PaddedBatch Of(IReadOnlyList<TokenizedRow> rows)
    {
        int length = rows.Count == 0 ? 0 : rows.Max(row => row.Length);
        long[] ids = new long[rows.Count * length], mask = new long[ids.Length], labels = new long[ids.Length];
        Array.Fill(labels, TokenizedRow.Ignored);
        for (int index = 0; index < rows.Count; index++)
        {
            rows[index].Ids.CopyTo(ids, index * length);
            rows[index].Labels.CopyTo(labels, index * length);
            Array.Fill(mask, 1, index * length, rows[index].Length);
        }
        return new PaddedBatch(rows.Count, length, ids, mask, labels);
    }
}
