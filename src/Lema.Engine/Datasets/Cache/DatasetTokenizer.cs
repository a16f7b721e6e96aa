using System.Diagnostics;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Cache;

/// <summary>Tokenizes all rows of a dataset, on every core and in file order, in bounded memory.</summary>
internal sealed class DatasetTokenizer(RowSource source, RowTokenizer tokenizer, DataSettings settings, int maxLength, IProgress<DatasetProgress>? progress)
{
    private const int MostProblems = 20;
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);

    /// <param name="take">Gets the rows that are trained on, in file order.</param>
    /// <exception cref="InvalidInputsException">Every row that cannot be used, up to a limit.</exception>
    public void Run(Action<TokenizedRow> take, CancellationToken stop)
    {
        Stopwatch clock = Stopwatch.StartNew();
        TimeSpan reported = TimeSpan.Zero;
        List<InvalidInputException> problems = [];
        int rows = 0, dropped = 0;
        long tokens = 0;
        foreach (IReadOnlyList<SourceRow> batch in source.Read().InBatches())
        {
            stop.ThrowIfCancellationRequested();
            foreach ((TokenizedRow? row, InvalidInputException? problem) in batch.AsParallel().AsOrdered().Select(Tokenize))
            {
                if (problem is not null) problems.Add(problem);
                if (problems.Count == MostProblems) throw new InvalidInputsException(problems);
                if (row is null && problem is null) dropped++;
                if (row is null || problems.Count > 0) continue;
                take(row);
                rows++;
                tokens += row.Length;
            }
            if (clock.Elapsed - reported < ProgressInterval) continue;
            reported = clock.Elapsed;
            progress?.Report(new DatasetProgress(rows, tokens, clock.Elapsed.TotalSeconds));
        }
        if (problems.Count > 0) throw new InvalidInputsException(problems);
        if (rows == 0)
        {
            throw new InvalidInputException(source.File, "", dropped > 0
                ? $"is dropped whole: all {dropped} rows have more than maxLength {maxLength} tokens. Raise maxLength, or set data.truncation to cut."
                : "has no rows. Add some.");
        }
        progress?.Report(new DatasetProgress(rows, tokens, clock.Elapsed.TotalSeconds));
    }

    private (TokenizedRow? Row, InvalidInputException? Problem) Tokenize(SourceRow row)
    {
        if (row.Row is null) return (null, row.Problem);
        string place = $"line {row.Line}";
        if (row.Row.IsEmpty) return (null, new InvalidInputException(source.File, row.Row.EmptyField.Length > 0 ? $"{place}: {row.Row.EmptyField}" : place, row.Row.EmptyProblem));
        try
        {
            TokenizedRow tokenized = tokenizer.Tokenize(row.Row, $"{source.File}: {place}");
            if (tokenized.LossTokens == 0) return (null, new InvalidInputException(source.File, place, TokenizedRow.TeachesNothing));
            if (tokenized.Length <= maxLength) return (tokenized, null);
            return settings.Truncation switch
            {
                Truncation.Cut when tokenized.Truncate(maxLength) is var cut => cut.LossTokens > 0 ? (cut, null) : (null, new InvalidInputException(source.File, place,
                    $"has {tokenized.Length} tokens; cut to maxLength {maxLength}, no token carries loss any more. Raise maxLength, or set data.truncation to drop.")),
                Truncation.Drop => (null, null),
                _ => (null, new InvalidInputException(source.File, place, $"has {tokenized.Length} tokens, more than maxLength {maxLength}. Raise maxLength, or set data.truncation to cut or drop.")),
            };
        }
        catch (InvalidInputException problem)
        {
            return (null, problem);
        }
    }
}
