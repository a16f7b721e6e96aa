namespace Lema.Engine.Datasets.Inspection;

/// <summary>What is wrong with a dataset, and what is in it.</summary>
/// <param name="Format">Its format's name.</param>
/// <param name="FormatReason">Why it is taken to have that format.</param>
/// <param name="Problems">The first problems, in file order.</param>
/// <param name="ProblemCount">All problems.</param>
/// <param name="ErrorCount">Those of them that keep a run from starting.</param>
/// <param name="Statistics">Null without a tokenizer.</param>
public sealed record DatasetReport(
    string Format, string FormatReason, long Rows, IReadOnlyList<DatasetProblem> Problems, long ProblemCount, long ErrorCount, TokenStatistics? Statistics)
{
    public bool IsValid => ErrorCount == 0;
}

/// <param name="Line">Line of the file, from 1; the row where the file has no lines; 0: the file as a whole.</param>
/// <param name="Field">Empty: the row as a whole.</param>
/// <param name="IsError">False: training is possible, but perhaps not what was meant.</param>
public sealed record DatasetProblem(long Line, string Field, string Problem, bool IsError);

/// <summary>Lengths of a dataset's rows in tokens.</summary>
/// <param name="LossTokens">Tokens that carry loss.</param>
/// <param name="RowsOverLength">Rows that the truncation policy would cut, drop or refuse.</param>
/// <param name="Histogram">Rows by length: upper bound (included) and count.</param>
public sealed record TokenStatistics(long Tokens, long LossTokens, int LongestRow, double MeanRow, long RowsOverLength, IReadOnlyList<(int UpTo, long Rows)> Histogram)
{
    /// <summary>Part of the tokens that carries loss.</summary>
    public double LossShare => Tokens == 0 ? 0 : (double)LossTokens / Tokens;
}
