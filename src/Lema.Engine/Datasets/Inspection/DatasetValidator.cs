using System.Security.Cryptography;
using System.Text;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Inspection;

/// <summary>
/// Reads every row of a dataset and collects what is wrong: rows that cannot be read, empty ones, duplicates, ones that are too long or teach nothing, ones that
/// are in the held-out file too.
/// </summary>
public sealed class DatasetValidator
{
    private readonly RowSource _source;
    private readonly RowTokenizer? _tokenizer;
    private readonly ValidationOptions _options;
    private readonly Dictionary<UInt128, long> _seen = [];
    private readonly HashSet<UInt128> _heldOut;
    private readonly List<DatasetProblem> _problems = [];
    private readonly LengthCounter _lengths;
    private long _rows, _problemCount, _errorCount;

    private DatasetValidator(RowSource source, RowTokenizer? tokenizer, ValidationOptions options)
    {
        (_source, _tokenizer, _options) = (source, tokenizer, options);
        _lengths = new LengthCounter(options.MaxLength);
        _heldOut = options.HeldOutFile is { } file ? [.. new RowSource(file, options.Replies).Read().Where(row => row.Row is not null).Select(row => Fingerprint(row.Row!))] : [];
    }

    /// <param name="tokenizer">Null: rows are read but not tokenized.</param>
    /// <exception cref="LemaException">The file as a whole cannot be read.</exception>
    public static DatasetReport Validate(string file, RowTokenizer? tokenizer, ValidationOptions options, CancellationToken stop = default)
    {
        DatasetValidator validator = new(new RowSource(file, options.Replies), tokenizer, options);
        return validator.Run(stop);
    }

    private DatasetReport Run(CancellationToken stop)
    {
        foreach (IReadOnlyList<SourceRow> batch in _source.Read().InBatches())
        {
            stop.ThrowIfCancellationRequested();
            foreach ((SourceRow row, TokenizedRow? tokens, InvalidInputException? problem) in batch.AsParallel().AsOrdered().Select(Tokenize)) Look(row, tokens, problem);
        }
        return new DatasetReport(
            _source.Format.Name, _source.Format.Reason, _rows, _problems, _problemCount, _errorCount, _tokenizer is null ? null : _lengths.Statistics());
    }

    private (SourceRow Row, TokenizedRow? Tokens, InvalidInputException? Problem) Tokenize(SourceRow row)
    {
        if (row.Row is null || _tokenizer is null || row.Row.IsEmpty) return (row, null, row.Problem);
        try
        {
            return (row, _tokenizer.Tokenize(row.Row, $"line {row.Line}"), null);
        }
        catch (InvalidInputException problem)
        {
            return (row, null, problem);
        }
    }

    private void Look(SourceRow row, TokenizedRow? tokens, InvalidInputException? problem)
    {
        _rows++;
        if (problem is not null) Add(row.Line, FieldOf(problem, row.Line), problem.Problem, isError: true);
        if (row.Row is null) return;
        if (row.Row.IsEmpty) Add(row.Line, row.Row.EmptyField, row.Row.EmptyProblem, isError: true);
        UInt128 print = Fingerprint(row.Row);
        if (!_seen.TryAdd(print, row.Line)) Add(row.Line, "", $"is the same as line {_seen[print]}.", isError: false);
        if (_heldOut.Contains(print)) Add(row.Line, "", "is in the held-out dataset too: evaluation would look better than it is.", isError: true);
        if (tokens is not null) LookAtTokens(row.Line, tokens);
    }

    private void LookAtTokens(long line, TokenizedRow tokens)
    {
        _lengths.Add(tokens);
        if (tokens.LossTokens == 0) Add(line, "", TokenizedRow.TeachesNothing, isError: true);
        if (_options.MaxLength <= 0 || tokens.Length <= _options.MaxLength) return;
        bool allCut = tokens.LossTokens > 0 && tokens.Truncate(_options.MaxLength).LossTokens == 0;
        string what = allCut ? "; cut to it, no token carries loss any more" : "";
        Add(line, "", $"has {tokens.Length} tokens, more than {_options.MaxLength}{what}.", isError: _options.Truncation == Truncation.Refuse || (allCut && _options.Truncation == Truncation.Cut));
    }

    private void Add(long line, string field, string problem, bool isError)
    {
        _problemCount++;
        if (isError) _errorCount++;
        if (_problems.Count < _options.MostProblems) _problems.Add(new DatasetProblem(line, field, problem, isError));
    }

    private static string FieldOf(InvalidInputException problem, long line) =>
        problem.Place.StartsWith($"line {line}: ", StringComparison.Ordinal) ? problem.Place[$"line {line}: ".Length..] : problem.Place == $"line {line}" ? "" : problem.Place;

    private static UInt128 Fingerprint(DatasetRow row) => System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(row.Content)));
}

/// <summary>What a validation looks for.</summary>
public sealed record ValidationOptions
{
    /// <summary>Tokens a row may have; 0: any number.</summary>
    public int MaxLength { get; init; }

    public Truncation Truncation { get; init; } = Truncation.Cut;

    /// <summary>A dataset that must share no row with this one; null: none.</summary>
    public string? HeldOutFile { get; init; }

    /// <summary>Problems that are kept; the others are only counted.</summary>
    public int MostProblems { get; init; } = 100;

    /// <summary>The reply format of rows of questions; null: the built-in one.</summary>
    public ReplyFormat? Replies { get; init; }
}
