namespace Lema.Engine.Datasets.Batches;

/// <summary>Tokenized rows by index, in memory or on disk.</summary>
public interface ITokenizedRows : IDisposable
{
    int Count { get; }

    /// <summary>Tokens of a row, without reading it.</summary>
    int LengthOf(int index);

    TokenizedRow Read(int index);
}

/// <summary>Rows held in memory.</summary>
public sealed class MemoryRows(IReadOnlyList<TokenizedRow> rows) : ITokenizedRows
{
    public int Count => rows.Count;

    public int LengthOf(int index) => rows[index].Length;

    public TokenizedRow Read(int index) => rows[index];

    public void Dispose()
    {
    }
}
