using Lema.Engine.Training;

namespace Lema.Engine.Datasets.Batches;

/// <summary>Training data made of rows: ordered, perhaps packed, and cut into micro-batches. Position p of the road counts on through all epochs.</summary>
public sealed class RowTrainingData : ITrainingData
{
    /// <summary>As many as are tokenized in a moment: an estimate of a large dataset must not wait for the whole.</summary>
    private const int RowsForMean = 10_000;

    private readonly ITokenizedRows _rows;
    private readonly int _maxLength;
    private readonly int _microBatchSize;
    private readonly int _gradientAccumulation;
    private readonly List<int[]>? _sequences;
    private readonly RowOrder _order;

    /// <param name="rows">At least one; disposed with this.</param>
    public RowTrainingData(ITokenizedRows rows, RunSettings settings)
    {
        if (rows.Count == 0) throw new ArgumentException("There are no rows.", nameof(rows));
        DataSettings data = settings.Data;
        _rows = rows;
        _maxLength = settings.MaxLength;
        (_microBatchSize, _gradientAccumulation) = (settings.MicroBatchSize, settings.GradientAccumulation);
        if (data.Packing)
        {
            // Packed once and not anew each epoch, so that every epoch has the same number of sequences.
            RowOrder placing = new(rows.Count, settings.Seed, data.Shuffle);
            _sequences = SequencePacker.Pack(Enumerable.Range(0, rows.Count).Select(position => placing[position]), rows.LengthOf, _maxLength);
        }
        LengthGrouping? grouping = data.GroupByLength && !data.Packing ? new LengthGrouping(_microBatchSize, rows.LengthOf) : null;
        _order = new RowOrder(ItemCount, settings.Seed, data.Shuffle, grouping);
    }

    public int RowCount => _rows.Count;

    private int ItemCount => _sequences?.Count ?? _rows.Count;

    public int StepsFor(double epochs) => checked((int)Math.Ceiling(epochs * ItemCount / (_microBatchSize * (double)_gradientAccumulation)));

    public double MeanStepTokens() =>
        Enumerable.Range(0, Math.Min(_rows.Count, RowsForMean)).Average(row => Math.Min(_rows.LengthOf(row), _maxLength)) * _rows.Count / ItemCount * _microBatchSize * _gradientAccumulation;

    public IReadOnlyList<TokenizedRow> MicroBatch(int step, int microBatch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(microBatch, _gradientAccumulation);
        long first = ((long)step * _gradientAccumulation + microBatch) * _microBatchSize;
        IEnumerable<int> items = Enumerable.Range(0, _microBatchSize).Select(index => _order[first + index]);
        IEnumerable<int> rows = _sequences is null ? items : items.SelectMany(item => _sequences[item]);
        return [.. rows.Select(row => _rows.Read(row).Truncate(_maxLength))];
    }

    public void Dispose() => _rows.Dispose();
}
