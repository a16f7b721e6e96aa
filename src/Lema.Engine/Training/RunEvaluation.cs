using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Engine.Evaluation;
using Lema.Engine.Generation;
using Lema.Engine.Models;

namespace Lema.Engine.Training;

/// <summary>Evaluation during training: loss over held-out rows, and replies to their questions where the run names a reply format or the rows say what is expected.</summary>
internal sealed class RunEvaluation
{
    private const int RowsAtOnce = 16, LeastReplyTokens = 96;

    private readonly LanguageModel _model;
    private readonly IReadOnlyList<(long[] Ids, long[] Labels)> _rows;
    private readonly IReadOnlyList<PromptedQuestion> _questions = [];
    private readonly ReplyEvaluator? _replies;

    /// <param name="bounds">What replies may take beside the weights.</param>
    /// <exception cref="Errors.LemaException">The held-out file is not valid.</exception>
    public RunEvaluation(LanguageModel model, Tokenizer? tokenizer, string file, string modelFolder, RunSettings settings, GeneratorOptions bounds)
    {
        _model = model;
        using ITrainingData data = TrainingData.Open(file, tokenizer, settings with
        {
            MicroBatchSize = 1, GradientAccumulation = 1, Data = settings.Data with { Shuffle = false, Packing = false, GroupByLength = false },
        });
        int count = Math.Min(settings.Evaluation.Rows, data.RowCount);
        _rows = [.. Enumerable.Range(0, count).SelectMany(row => data.MicroBatch(row, 0)).Select(row => (row.Ids, row.Labels))];
        if (tokenizer is not null && data is not PretokenizedData && (settings.Data.ReplyFormat is not null || HeldOutQuestions.AreIn(file)))
        {
            ReplyFormat format = settings.Data.ReplyFormat ?? ReplyFormat.Lema;
            (_questions, int longest) = HeldOutQuestions.Read(file, tokenizer, format, count);
            // Room for a reply that is half as long again as any that the rows hold.
            _replies = new(model, tokenizer, EndTokens.Read(modelFolder, tokenizer), format, bounds) { MaxNewTokens = Math.Max(LeastReplyTokens, longest + longest / 2) };
        }
        if (MetricProblem(settings) is { } problem) throw new InvalidInputException(file, "", problem);
    }

    public EvaluationCompleted Run(long step, CancellationToken stop) =>
        new(step, Loss(stop), _replies?.Evaluate(_questions, stop: stop));

    private string? MetricProblem(RunSettings settings) => settings.Evaluation.Metric switch
    {
        EvaluationMetric.ValidFormat when _replies is null => "its rows are not judged by a reply format. Name one as data.replyFormat, or set evaluation.metric to loss.",
        EvaluationMetric.RightAnswer when _questions.All(asked => asked.Question.Expected.Length == 0) => "its rows do not say which answer is right, in a field 'expected' or in a reply of the run's format. Set evaluation.metric to loss.",
        _ => null,
    };

    private double Loss(CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        MicroBatch[] batches = [.. _rows.Chunk(RowsAtOnce).Select(rows => MicroBatch.Of(rows, _model.TorchDevice))];
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
