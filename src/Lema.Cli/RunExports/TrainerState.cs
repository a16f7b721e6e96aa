using System.Text.Json;
using System.Text.Json.Nodes;
using Lema.Protocol.V1;

namespace Lema.Cli.RunExports;

/// <summary>A run as the <c>trainer_state.json</c> of transformers' Trainer. Steps are optimizer updates.</summary>
internal static class TrainerState
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    public static string Write(RunHistory history)
    {
        RunSummary run = history.Run.Summary;
        RunSettings settings = history.Run.Settings;
        Checkpoint? best = history.Run.Checkpoints.FirstOrDefault(c => c.Best);
        JsonObject state = new()
        {
            ["best_global_step"] = best?.Step,
            ["best_metric"] = best is { HasEvaluationLoss: true } ? best.EvaluationLoss : null,
            ["best_model_checkpoint"] = best?.Path,
            ["epoch"] = run.Step * history.EpochsPerStep,
            ["eval_steps"] = settings.Evaluation?.EverySteps ?? 0,
            ["global_step"] = run.Step,
            ["is_hyper_param_search"] = false,
            ["is_local_process_zero"] = true,
            ["is_world_process_zero"] = true,
            ["log_history"] = Log(history),
            ["logging_steps"] = 1,
            ["max_steps"] = run.TotalSteps,
            ["num_input_tokens_seen"] = history.Run.Totals?.Tokens ?? 0,
            ["num_train_epochs"] = (int)Math.Ceiling(run.TotalSteps * history.EpochsPerStep),
            ["save_steps"] = settings.Checkpoint?.EverySteps ?? 0,
            ["stateful_callbacks"] = new JsonObject(),
            ["total_flos"] = 0,
            ["train_batch_size"] = settings.MicroBatchSize,
            ["trial_name"] = null,
            ["trial_params"] = null,
        };
        return state.ToJsonString(Indented) + "\n";
    }

    private static JsonArray Log(RunHistory history)
    {
        List<JsonNode> log = [];
        foreach (long step in history.Steps)
        {
            double epoch = step * history.EpochsPerStep;
            if (history.At("loss", step) is { } loss)
            {
                log.Add(new JsonObject
                {
                    ["epoch"] = epoch,
                    ["grad_norm"] = history.At("grad_norm", step),
                    ["learning_rate"] = history.At("learning_rate", step),
                    ["loss"] = loss,
                    ["step"] = step,
                });
            }
            if (history.At("evaluation_loss", step) is { } evaluationLoss) log.Add(new JsonObject { ["epoch"] = epoch, ["eval_loss"] = evaluationLoss, ["step"] = step });
        }
        return new JsonArray([.. log]);
    }
}
