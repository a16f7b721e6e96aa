using System.Text.Json;
using System.Text.Json.Nodes;
using Lema.Engine.Checkpoints;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Checkpoints;

public sealed class TrainerStateTests
{
    /// <summary>transformers builds its dataclass from the file's keys, so one that it does not know is an error there.</summary>
    [Fact]
    public void Save_OfState_WritesTransformersFieldsAndNoOthers()
    {
        using TemporaryFolder folder = new();
        new TrainerState().Save(folder.Path);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(folder.File("trainer_state.json")));
        Assert.Equal(
            ["best_global_step", "best_metric", "best_model_checkpoint", "epoch", "eval_steps", "global_step", "is_hyper_param_search", "is_local_process_zero",
                "is_world_process_zero", "log_history", "logging_steps", "max_steps", "num_input_tokens_seen", "num_train_epochs", "save_steps",
                "stateful_callbacks", "total_flos", "train_batch_size", "trial_name", "trial_params"],
            json.RootElement.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Load_OfSavedState_ReadsItBack()
    {
        using TemporaryFolder folder = new();
        TrainerState state = new() { GlobalStep = 7, Epoch = 0.35, BestMetric = 0.125, LogHistory = [new JsonObject { ["step"] = 7, ["loss"] = 1.5 }] };
        state.Save(folder.Path);
        TrainerState read = TrainerState.Load(folder.Path);
        Assert.Equal((7, 0.35, 0.125), (read.GlobalStep, read.Epoch, read.BestMetric!.Value));
        Assert.Equal(1.5, read.LogHistory[0]["loss"]!.GetValue<double>());
    }

    [Fact]
    public void Load_OfBrokenOrMissingFile_NamesIt()
    {
        using TemporaryFolder folder = new();
        Assert.Throws<InvalidInputException>(() => TrainerState.Load(folder.Path));
        foreach (string broken in (string[])["{\"global_step\": ", "{\"global_step\": \"seven\"}", "null"])
        {
            File.WriteAllText(folder.File("trainer_state.json"), broken);
            Assert.Throws<InvalidInputException>(() => TrainerState.Load(folder.Path));
        }
    }
}
