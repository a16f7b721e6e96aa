using Lema.Engine.Adapters;
using Lema.Engine.Models;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>Makes the trained tensors of a run: a fresh adapter, one to start from, or float32 masters of base parameters.</summary>
public static class TrainedWeights
{
    /// <param name="stateFolder">Where masters, gradients and moments live in a file; null: in memory.</param>
    /// <exception cref="Errors.LemaException">The settings do not fit the model, or the adapter to start from is not valid.</exception>
    public static AdapterWeights Create(DecoderModel model, GlobalBinaryIndex index, RunSettings settings, string? stateFolder = null)
    {
        using BaseTensors tensors = new(model, index);
        if (settings.FullFineTuning is { } full)
        {
            return FullFineTuning.Create(model, new ParameterChoice(model, full).Includes, p => tensors.Read(p.BaseName), stateFolder is null ? null : new StateFile(stateFolder));
        }
        LoraSettings lora = settings.Lora!;
        if (settings.InitAdapter is { } folder) return AdapterFolder.Load(folder, model, AdapterConfig.Read(folder) with { Dropout = lora.Dropout });
        return new AdapterFactory(model, lora, target => target.Role switch
        {
            AdapterTensorRole.A => LoraInitialization.KaimingUniform(target, settings.Seed),
            AdapterTensorRole.B => zeros([.. target.Shape]),
            AdapterTensorRole.Magnitude => tensors.Read(target.BaseName + ".weight").square().sum([1L]).sqrt(),
            _ => tensors.Read(target.BaseName),
        }).Create();
    }

    /// <summary>Elements of all trained tensors, before any is made.</summary>
    /// <exception cref="Errors.LemaException">The settings do not fit the model.</exception>
    public static long Count(DecoderModel model, RunSettings settings)
    {
        if (settings.FullFineTuning is { } full)
        {
            ParameterChoice choice = new(model, full);
            return WholeParameter.All(model).Where(p => !(p.IsHead && model.TiedEmbeddings)).Where(choice.Includes).Sum(p => p.Shape.Aggregate(1L, (product, size) => product * size));
        }
        LoraSettings lora = EffectiveLora(settings)!;
        return TargetModules.Find(model, lora).Sum(target => (long)target.Rank * (target.Linear.In + target.Linear.Out))
            + lora.ModulesToSave.Length * (long)model.VocabularySize * model.HiddenSize;
    }

    /// <summary>The LoRA options that a run's adapter really has: those of the adapter it started from, if it did.</summary>
    public static LoraSettings? EffectiveLora(RunSettings settings) => settings.InitAdapter is { } folder && settings.Lora is { } lora
        ? AdapterConfig.Read(folder) with { Dropout = lora.Dropout }
        : settings.Lora;
}
