using System.Text.Json.Nodes;
using Lema.Engine.Checkpoints;
using Lema.Engine.Datasets.Batches;

namespace Lema.Engine.Training;

/// <summary>What transformers' trainer_state.json tells of a run: the log of its steps and evaluations.</summary>
internal sealed class TrainingHistory(RunSettings settings, int steps, ITrainingData data)
{
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
        });
    }

    public void Add(EvaluationCompleted evaluation) => _log.Add(new()
    {
        ["step"] = evaluation.Step, ["epoch"] = Epoch(evaluation.Step), ["eval_loss"] = evaluation.Loss,
    });

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

    private double Epoch(long step) => step / (double)Math.Max(1, data.StepsFor(1));
}
