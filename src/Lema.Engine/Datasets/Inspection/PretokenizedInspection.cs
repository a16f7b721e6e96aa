using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Inspection;

/// <summary>Validation and preview of a dataset that is tokenized already.</summary>
public static class PretokenizedInspection
{
    public const string Format = "pre-tokenized", FormatReason = "it is a .safetensors with input_ids";

    private const int MostProblems = 100;

    /// <param name="maxLength">Tokens a row may have; 0: any number.</param>
    /// <exception cref="InvalidInputException">The file is no pre-tokenized dataset, or a row breaks its rules.</exception>
    public static DatasetReport Validate(string file, int maxLength, CancellationToken stop)
    {
        LengthCounter lengths = new(maxLength);
        List<DatasetProblem> problems = [];
        long rows = 0, count = 0;
        foreach (TokenizedRow row in Rows(file))
        {
            stop.ThrowIfCancellationRequested();
            rows++;
            lengths.Add(row);
            if (row.LossTokens > 0) continue;
            count++;
            if (problems.Count < MostProblems) problems.Add(new DatasetProblem(rows, "labels", TokenizedRow.TeachesNothing, IsError: true));
        }
        return new DatasetReport(Format, FormatReason, rows, problems, count, count, lengths.Statistics());
    }

    public static IEnumerable<PreviewedRow> Preview(string file, Tokenizer tokenizer, long first, int count, int maxLength) =>
        Rows(file).Select((row, index) => (Row: row, Index: (long)index)).Where(row => row.Index >= first).Take(count)
            .Select(row => DatasetPreview.Show(row.Index, row.Index + 1, row.Row, tokenizer, maxLength));

    private static IEnumerable<TokenizedRow> Rows(string file)
    {
        using PretokenizedData data = PretokenizedData.Open(file);
        for (int step = 0; step < data.Steps; step++)
        {
            for (int microBatch = 0; microBatch < data.MicroBatches; microBatch++)
            {
                foreach (TokenizedRow row in data.MicroBatch(step, microBatch)) yield return row;
            }
        }
    }
}
