using Lema.Engine.Adapters;
using Lema.Engine.Checkpoints;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>
/// The files of a checkpoint: a PEFT adapter folder (or, in full fine-tuning, the differences from the base), the optimizer's moments, transformers' trainer
/// state, the run settings, and the identities of what the run was made from.
/// </summary>
public sealed class TrainingCheckpoint(LanguageModel model, RunSettings settings, LoraSettings? lora, AdamW optimizer, LossScaler scaler, RunIdentity identity)
{
    public const string DeltaName = "delta_model.safetensors", MastersName = "masters.safetensors", OptimizerName = "optimizer.safetensors";

    private const string UpdatesKey = "updates", LossScaleKey = "loss_scale";

    public void Write(string folder, TrainerState state)
    {
        using var scope = NewDisposeScope();
        if (lora is not null) AdapterFolder.Save(folder, model.Adapters, lora, model.Architecture, identity.BaseModel);
        else WriteDelta(folder);
        SafetensorsFile.Save(Path.Combine(folder, OptimizerName), [.. optimizer.State, KeyValuePair.Create(UpdatesKey, tensor(optimizer.Steps)), KeyValuePair.Create(LossScaleKey, scaler.State)]);
        state.Save(folder);
        RunSettingsFile.Write(folder, settings);
        identity.Write(folder);
        for (int layer = -1; layer <= model.Architecture.BlockCount; layer++) model.Adapters.Release(layer);
    }

    /// <summary>Puts parameters and moments back as they were, bit for bit, and returns the trainer state.</summary>
    /// <exception cref="LemaException">The checkpoint belongs to another model, dataset or settings, or a file is broken.</exception>
    public TrainerState Restore(string folder)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        identity.RequireSame(folder);
        string values = Path.Combine(folder, lora is null ? MastersName : AdapterFolder.WeightsName);
        Copy(values, model.Adapters.Parameters.Select(p => KeyValuePair.Create(p.Name, p.Value)));
        IReadOnlyDictionary<string, Tensor> saved = Copy(Path.Combine(folder, OptimizerName), optimizer.State);
        optimizer.Steps = saved[UpdatesKey].item<int>();
        scaler.Restore(saved[LossScaleKey]);
        return TrainerState.Load(folder);
    }

    private void WriteDelta(string folder)
    {
        // The masters are what resumes exactly; base + delta would round.
        SafetensorsFile.Save(Path.Combine(folder, MastersName), model.Adapters.Parameters.Select(p => KeyValuePair.Create(p.Name, p.Value)));
        using BaseTensors originals = new(model.Architecture, identity.Index);
        SafetensorsFile.Save(Path.Combine(folder, DeltaName), model.Adapters.Parameters.Select(p =>
            KeyValuePair.Create(p.Name, p.Value.cpu().sub(originals.Read(WholeParameter.All(model.Architecture).First(w => w.Name == p.Name).BaseName)))));
    }

    private static IReadOnlyDictionary<string, Tensor> Copy(string file, IEnumerable<KeyValuePair<string, Tensor>> targets)
    {
        IReadOnlyDictionary<string, Tensor> saved = SafetensorsFile.Load(file);
        foreach ((string name, Tensor target) in targets)
        {
            if (!saved.TryGetValue(name, out Tensor? value) || !value.shape.SequenceEqual(target.shape))
                throw new InvalidInputException(file, name, "is missing or has another shape; the checkpoint does not belong to this run.");
            target.copy_(value);
        }
        return saved;
    }
}
