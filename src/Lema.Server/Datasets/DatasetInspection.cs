using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Protocol.V1;

namespace Lema.Server.Datasets;

/// <summary>Looks into dataset files for clients. Holds nothing.</summary>
internal sealed class DatasetInspection
{
    private const int ShownProblems = 100;
    private static readonly int[] LengthBounds = [16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, int.MaxValue];

    /// <param name="modelFolder">Rows are tokenized too when it is given.</param>
    /// <param name="maxLength">Tokens a row may have; 0: no limit.</param>
    public ValidateDatasetResponse Validate(string file, string? modelFolder, int maxLength, CancellationToken stop)
    {
        Tokenizer? tokenizer = modelFolder is null ? null : Tokenizer.Load(modelFolder);
        ValidateDatasetResponse response = new();
        long[] counts = new long[LengthBounds.Length];
        foreach (DatasetRow row in DatasetRows.Read(file, tokenizer))
        {
            stop.ThrowIfCancellationRequested();
            response.Rows++;
            if (row.Problem is { } problem) AddProblem(response, row.Line, problem.Place, problem.Problem, isError: true);
            if (row.Tokens is not { } tokens) continue;
            response.Tokens += tokens.Length;
            response.LossTokens += tokens.LossTokens;
            response.LongestRowTokens = Math.Max(response.LongestRowTokens, tokens.Length);
            counts[Array.FindIndex(LengthBounds, bound => tokens.Length <= bound)]++;
            if (tokens.LossTokens == 0) AddProblem(response, row.Line, "", "no token of this row carries loss: it teaches nothing.", isError: true);
            if (maxLength <= 0 || tokens.Length <= maxLength) continue;
            response.RowsOverLength++;
            AddProblem(response, row.Line, "", $"has {tokens.Length} tokens, more than {maxLength}.", isError: false);
        }
        if (response.Rows == 0) AddProblem(response, 0, "", "the file has no rows.", isError: true);
        response.MeanRowTokens = response.Rows > 0 ? response.Tokens / (double)response.Rows : 0;
        response.Valid = !response.Problems.Any(p => p.IsError);
        if (tokenizer is null) return response;
        response.LengthBounds.AddRange(LengthBounds);
        response.LengthCounts.AddRange(counts);
        return response;
    }

    /// <exception cref="LemaException">The file or the tokenizer cannot be read, or a row that is asked for is not valid.</exception>
    public PreviewDatasetResponse Preview(string file, string modelFolder, long firstRow, int count, int maxLength)
    {
        Tokenizer tokenizer = Tokenizer.Load(modelFolder);
        PreviewDatasetResponse response = new();
        // Only the rows that are shown are tokenized.
        foreach (DatasetRow row in DatasetRows.Read(file, tokenizer, index => index >= firstRow && index < firstRow + count))
        {
            long index = response.TotalRows++;
            if (index < firstRow || index >= firstRow + count) continue;
            if (row.Problem is { } problem) throw problem;
            response.Rows.Add(Show(row.Tokens!, index, maxLength, tokenizer));
        }
        return response;
    }

    private static PreviewRow Show(TokenizedRow tokens, long index, int maxLength, Tokenizer tokenizer)
    {
        PreviewRow shown = new() { Row = index, Truncated = maxLength > 0 && tokens.Length > maxLength };
        int length = shown.Truncated ? maxLength : tokens.Length;
        for (int i = 0; i < length; i++)
        {
            int id = checked((int)tokens.Ids[i]);
            shown.Tokens.Add(new PreviewToken { Id = id, Text = tokenizer.Decode([id], skipSpecialTokens: false), CarriesLoss = i > 0 && tokens.Labels[i] != TokenizedRow.Ignored });
        }
        return shown;
    }

    private static void AddProblem(ValidateDatasetResponse response, long line, string field, string problem, bool isError)
    {
        response.ProblemCount++;
        if (response.Problems.Count < ShownProblems || isError && !response.Problems.Any(p => p.IsError))
            response.Problems.Add(new DatasetProblem { Line = line, Field = field, Problem = problem, IsError = isError });
    }
}
