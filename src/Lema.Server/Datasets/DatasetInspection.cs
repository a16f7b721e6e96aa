using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Inspection;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Datasets.Templates;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Protocol.V1;

namespace Lema.Server.Datasets;

/// <summary>Looks into dataset files for clients. Holds nothing.</summary>
internal sealed class DatasetInspection
{
    /// <param name="modelFolder">Rows are tokenized too when it is given.</param>
    /// <param name="maxLength">Tokens a row may have; 0: no limit.</param>
    /// <param name="heldoutFile">A dataset that must share no row with this one; null: none.</param>
    public ValidateDatasetResponse Validate(string file, string? modelFolder, int maxLength, string? heldoutFile, CancellationToken stop)
    {
        try
        {
            return IsPretokenized(file)
                ? Response(PretokenizedInspection.Validate(file, maxLength, stop))
                : Response(DatasetValidator.Validate(file, modelFolder is null ? null : RowsOf(Tokenizer.Load(modelFolder)), new ValidationOptions { MaxLength = maxLength, HeldOutFile = heldoutFile }, stop));
        }
        catch (InvalidInputException problem)
        {
            ValidateDatasetResponse response = new() { ProblemCount = 1 };
            response.Problems.Add(new Protocol.V1.DatasetProblem { Field = problem.Place, Problem = problem.Problem, IsError = true });
            return response;
        }
    }

    /// <exception cref="LemaException">The file or the tokenizer cannot be read, or a row that is asked for is not valid.</exception>
    public PreviewDatasetResponse Preview(string file, string modelFolder, long firstRow, int count, int maxLength)
    {
        Tokenizer tokenizer = Tokenizer.Load(modelFolder);
        PreviewDatasetResponse response = new() { TotalRows = DatasetSummary.Read(file, Engine.Datasets.Files.DatasetFile.EndingOf(file)).Rows };
        IEnumerable<PreviewedRow> rows = IsPretokenized(file)
            ? PretokenizedInspection.Preview(file, tokenizer, firstRow, count, maxLength)
            : DatasetPreview.Rows(new RowSource(file), RowsOf(tokenizer), tokenizer, firstRow, count, maxLength);
        response.Rows.AddRange(rows.Select(Shown));
        return response;
    }

    private static bool IsPretokenized(string file) => file.EndsWith(".safetensors", StringComparison.Ordinal);

    private static RowTokenizer RowsOf(Tokenizer tokenizer) => new(tokenizer, ChatTemplate.Load(tokenizer.Folder), LabelMask.Completion);

    private static PreviewRow Shown(PreviewedRow row)
    {
        PreviewRow shown = new() { Row = row.Row, Truncated = row.Truncated };
        shown.Tokens.AddRange(row.Tokens.Select(token => new Protocol.V1.PreviewToken { Id = token.Id, Text = token.Text, CarriesLoss = token.CarriesLoss }));
        return shown;
    }

    private static ValidateDatasetResponse Response(DatasetReport report)
    {
        ValidateDatasetResponse response = new() { Valid = report.IsValid, Rows = report.Rows, ProblemCount = report.ProblemCount };
        response.Problems.AddRange(report.Problems.Select(problem => new Protocol.V1.DatasetProblem { Line = problem.Line, Field = problem.Field, Problem = problem.Problem, IsError = problem.IsError }));
        if (report.Statistics is not { } statistics) return response;
        response.Tokens = statistics.Tokens;
        response.LossTokens = statistics.LossTokens;
        response.LongestRowTokens = statistics.LongestRow;
        response.MeanRowTokens = statistics.MeanRow;
        response.RowsOverLength = statistics.RowsOverLength;
        response.LengthBounds.AddRange(statistics.Histogram.Select(bin => bin.UpTo));
        response.LengthCounts.AddRange(statistics.Histogram.Select(bin => bin.Rows));
        return response;
    }
}
