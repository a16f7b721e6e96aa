using System.Globalization;
using System.Text.Json.Nodes;
using Lema.Engine.Checkpoints;
using Lema.Engine.Datasets.Batches;

namespace Lema.Engine.Training;

/// <summary>What transformers' trainer_state.json tells of a run: the log of its steps and evaluations.</summary>
internal sealed class TrainingHistory(RunSettings settings, int steps, ITrainingData data)
{
    private const string TokensKey = "num_tokens";

    private readonly List<JsonObject> _log = [];
    private long _tokens;

    public void Restore(TrainerState state)
    {
        _log.Clear();
        _log.AddRange(state.LogHistory);
        _tokens = state.NumInputTokensSeen;
    }

    public void Add(StepCompleted step)
    {
        _tokens += step.Tokens;
        _log.Add(new()
        {
            ["step"] = step.Step, ["epoch"] = Epoch(step.Step), ["loss"] = step.Loss, ["grad_norm"] = step.GradientNorm, ["learning_rate"] = step.LearningRate,
            [TokensKey] = step.Tokens,
        });
    }

    public void Add(EvaluationCompleted evaluation)
    {
        JsonObject entry = new() { ["step"] = evaluation.Step, ["epoch"] = Epoch(evaluation.Step), ["eval_loss"] = evaluation.Loss };
        foreach (EvaluationMetric kind in Enum.GetValues<EvaluationMetric>())
        {
            if (evaluation.Metric(kind) is { Value: var value } metric && double.IsFinite(value)) entry[metric.Name] = value;
        }
        _log.Add(entry);
    }

    /// <summary>Whether the last evaluations, as many as the run has patience for, brought no better value than one before them.</summary>
    public bool HasStalled
    {
        get
        {
            CheckpointMetric form = new EvaluationCompleted(0, 0, null).Metric(settings.Evaluation.Metric);
            CheckpointMetric[] values = [.. _log.Select(entry => entry[form.Name]?.GetValue<double>()).OfType<double>().Select(value => form with { Value = value })];
            int best = 0;
            for (int index = 1; index < values.Length; index++)
            {
                if (values[index].IsBetterThan(values[best])) best = index;
            }
            return settings.Evaluation.Patience > 0 && values.Length - 1 - best >= settings.Evaluation.Patience;
        }
    }

    /// <summary>
    /// Steps and evaluations beyond what is on record: they are in the checkpoint, but whoever follows the run was cut off before they arrived. How long a step took is not
    /// kept.
    /// </summary>
    public IEnumerable<TrainingEvent> Beyond(RecordedProgress recorded)
    {
        foreach (JsonObject entry in _log)
        {
            long step = entry["step"]!.GetValue<long>();
            if (entry.ContainsKey("eval_loss"))
            {
                if (step > recorded.EvaluationStep) yield return new EvaluationCompleted(step, Number(entry, "eval_loss"), null);
            }
            else if (step > recorded.Step)
            {
                yield return new StepCompleted(step, Number(entry, "loss"), Number(entry, "learning_rate"), Number(entry, "grad_norm"), entry[TokensKey]?.GetValue<long>() ?? 0, 0, 0, 0, 0, 0, 0);
            }
        }
    }

    public TrainerState State(int step) => new()
    {
        Epoch = Epoch(step),
        EvalSteps = settings.Evaluation.EverySteps,
        GlobalStep = step,
        LogHistory = [.. _log],
        LoggingSteps = 1,
        MaxSteps = steps,
        NumInputTokensSeen = _tokens,
        NumTrainEpochs = (int)Math.Ceiling(Epoch(steps)),
        SaveSteps = settings.Checkpoint.EverySteps,
        TrainBatchSize = settings.MicroBatchSize,
    };

    /// <summary>JSON has no number for an infinity or NaN: they are strings.</summary>
    private static double Number(JsonObject entry, string key) =>
        entry[key] is JsonValue value && value.TryGetValue(out string? text) ? double.Parse(text, CultureInfo.InvariantCulture) : entry[key]?.GetValue<double>() ?? double.NaN;

    private double Epoch(long step) => step / (double)Math.Max(1, data.StepsFor(1));
}
