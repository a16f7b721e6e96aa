namespace Lema.Engine.Datasets.Batches;

/// <summary>
/// What a run trains on, cut into steps and micro-batches. A micro-batch is a pure function of the dataset, the settings and its step, so a resumed run sees
/// what the uninterrupted one would have seen, whatever was asked for before.
/// </summary>
public interface ITrainingData : IDisposable
{
    /// <summary>Rows of the dataset that are trained on.</summary>
    int RowCount { get; }

    /// <summary>Steps that show every row at least <paramref name="epochs"/> times; the last may begin the next epoch.</summary>
    int StepsFor(double epochs);

    /// <summary>Tokens of a step on average over the dataset, without padding. Rests on the first ten thousand rows of a file of rows, and waits for those that are still being tokenized.</summary>
    double MeanStepTokens();

    /// <summary>The rows of one micro-batch. With packing a micro-batch holds several rows for each of its sequences.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="microBatch">From 0, within the step.</param>
    IReadOnlyList<TokenizedRow> MicroBatch(int step, int microBatch);
}
