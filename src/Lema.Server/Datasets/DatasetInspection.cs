using Lema.Engine.Datasets.Inspection;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using DataSettings = Lema.Engine.Datasets.Batches.DataSettings;
using ReplyFormat = Lema.Protocol.V1.ReplyFormat;

namespace Lema.Server.Datasets;

/// <summary>Looks into dataset files for clients. Holds nothing.</summary>
internal sealed class DatasetInspection
{
    /// <param name="modelFolder">Rows are tokenized too when it is given.</param>
    /// <param name="maxLength">Tokens a row may have; 0: no limit.</param>
    /// <param name="data">How a run would read it.</param>
    /// <param name="heldoutFile">A dataset that must share no row with this one; null: none.</param>
    public ValidateDatasetResponse Validate(string file, string? modelFolder, int maxLength, DataSettings data, string? heldoutFile, CancellationToken stop)
    {
        try
        {
            return IsPretokenized(file)
                ? Response(PretokenizedInspection.Validate(file, maxLength, stop))
                : Response(DatasetValidator.Validate(file, modelFolder is null ? null : RowTokenizer.Of(file, Tokenizer.Load(modelFolder), data.Labels), new ValidationOptions
                {
                    MaxLength = maxLength, Truncation = data.Truncation, HeldOutFile = heldoutFile, Replies = data.ReplyFormat,
                }, stop));
        }
        catch (InvalidInputException problem)
        {
            ValidateDatasetResponse response = new() { ProblemCount = 1 };
            response.Problems.Add(new Protocol.V1.DatasetProblem { Field = problem.Place, Problem = problem.Problem, IsError = true });
            return response;
        }
    }

    /// <exception cref="LemaException">The file or the tokenizer cannot be read, or a row that is asked for is not valid.</exception>
    public PreviewDatasetResponse Preview(string file, string modelFolder, DataSettings data, long firstRow, int count, int maxLength)
    {
        (IEnumerable<PreviewedRow> rows, string format, string reason) = Rows(file, modelFolder, data, firstRow, count, maxLength);
        PreviewDatasetResponse response = new() { Format = format, FormatReason = reason };
        response.Rows.AddRange(rows.Select(Shown));
        return response;
    }

    /// <summary>The built-in reply format that a dataset's first rows teach; null: none, or the rows cannot be read.</summary>
    public ReplyFormat? Recognized(string file, string modelFolder, DataSettings data)
    {
        try
        {
            IEnumerable<PreviewedRow> rows = Rows(file, modelFolder, data, firstRow: 0, ReplyFormatRecognition.Rows, maxLength: 0).Rows;
            return ReplyFormatRecognition.Of(rows) is { } format ? new ReplyFormat { Name = format.Name } : null;
        }
        catch (LemaException)
        {
            // What is wrong with the rows is said by whoever reads all of them.
            return null;
        }
    }

    private static (IEnumerable<PreviewedRow> Rows, string Format, string Reason) Rows(string file, string modelFolder, DataSettings data, long firstRow, int count, int maxLength)
    {
        Tokenizer tokenizer = Tokenizer.Load(modelFolder);
        if (IsPretokenized(file)) return (PretokenizedInspection.Preview(file, tokenizer, firstRow, count, maxLength), PretokenizedInspection.Format, PretokenizedInspection.FormatReason);
        RowSource source = new(file, data.ReplyFormat);
        return (DatasetPreview.Rows(source, RowTokenizer.Of(file, tokenizer, data.Labels), tokenizer, firstRow, count, maxLength), source.Format.Name, source.Format.Reason);
    }

    private static bool IsPretokenized(string file) => file.EndsWith(".safetensors", StringComparison.Ordinal);

    private static PreviewRow Shown(PreviewedRow row)
    {
        PreviewRow shown = new() { Row = row.Row, Truncated = row.Truncated };
        shown.Tokens.AddRange(row.Tokens.Select(token => new Protocol.V1.PreviewToken { Id = token.Id, Text = token.Text, CarriesLoss = token.CarriesLoss, Special = token.IsSpecial }));
        return shown;
    }

    private static ValidateDatasetResponse Response(DatasetReport report)
    {
        ValidateDatasetResponse response = new() { Valid = report.IsValid, Rows = report.Rows, ProblemCount = report.ProblemCount, Format = report.Format, FormatReason = report.FormatReason };
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
