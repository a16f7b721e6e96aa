using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Engine.Evaluation;
using Lema.Engine.Generation;
using Lema.Engine.Models;

namespace Lema.Engine.Training;

/// <summary>Evaluation during training: loss over held-out rows, and replies to their questions where the rows have any.</summary>
internal sealed class RunEvaluation
{
    private const int RowsAtOnce = 16;

    private readonly LanguageModel _model;
    private readonly IReadOnlyList<(long[] Ids, long[] Labels)> _rows;
    private readonly IReadOnlyList<ReplyQuestion> _questions;
    private readonly ReplyEvaluator? _replies;

    /// <exception cref="Errors.LemaException">The held-out file is not valid.</exception>
    public RunEvaluation(LanguageModel model, Tokenizer? tokenizer, string file, string modelFolder, RunSettings settings)
    {
        _model = model;
        using ITrainingData data = TrainingData.Open(file, tokenizer, settings with
        {
            MicroBatchSize = 1, GradientAccumulation = 1, Data = settings.Data with { Shuffle = false, Packing = false, GroupByLength = false },
        });
        int count = Math.Min(settings.Evaluation.Rows, data.RowCount);
        _rows = [.. Enumerable.Range(0, count).SelectMany(row => data.MicroBatch(row, 0)).Select(row => (row.Ids, row.Labels))];
        _questions = tokenizer is not null && HasQuestions(file) ? [.. ReplyQuestion.Load(file).Take(count)] : [];
        if (_questions.Count == 0 && settings.Evaluation.Metric != EvaluationMetric.Loss)
        {
            throw new InvalidInputException(file, "", "has no questions with an expected answer, so evaluation.metric can only be loss.");
        }
        if (_questions.Count > 0) _replies = new(model, tokenizer!, EndTokens.Read(modelFolder, tokenizer!), Format(settings));
    }

    public EvaluationCompleted Run(long step, CancellationToken stop) =>
        new(step, Loss(stop), _replies?.Evaluate(_questions, stop: stop));

    private static ReplyFormat Format(RunSettings settings) => settings.Data.ReplyFormat is { } file ? ReplyFormatReader.Load(file) : ReplyFormat.Lema;

    // The rows that the dataset builder writes carry their question beside the prompt.
    private static bool HasQuestions(string file) =>
        Path.GetExtension(file) == ".jsonl" && File.ReadLines(file).FirstOrDefault() is { } first && first.Contains("\"expected\"", StringComparison.Ordinal);

    private double Loss(CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        MicroBatch[] batches = [.. _rows.Chunk(RowsAtOnce).Select(MicroBatch.Of)];
        try
        {
            (double sum, long targets) = new TokenLoss(_model).Compute(batches);
            return targets == 0 ? double.NaN : sum / targets;
        }
        finally
        {
            foreach (MicroBatch batch in batches) batch.Dispose();
        }
    }
}
