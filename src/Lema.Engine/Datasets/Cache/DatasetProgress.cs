namespace Lema.Engine.Datasets.Cache;

/// <summary>How far tokenizing a dataset has come.</summary>
/// <param name="Rows">Rows done.</param>
/// <param name="Tokens">Tokens made.</param>
/// <param name="Seconds">Time since it began.</param>
public readonly record struct DatasetProgress(int Rows, long Tokens, double Seconds)
{
    public double RowsPerSecond => Seconds > 0 ? Rows / Seconds : 0;
}
