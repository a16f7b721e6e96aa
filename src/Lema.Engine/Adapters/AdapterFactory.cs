using Lema.Engine.Errors;
using Lema.Engine.Models;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>Makes the trained tensors that LoRA options describe.</summary>
/// <param name="model">The architecture.</param>
/// <param name="make">Key, layer and shape of a tensor -> the parameter.</param>
public sealed class AdapterFactory(DecoderModel model, LoraSettings settings, Func<AdapterTensor, TrainedParameter> make)
{
    public const string KeyPrefix = "base_model.model.";

    private readonly List<TrainedParameter> _parameters = [];
    private readonly Dictionary<string, LoraModule> _modules = [];
    private readonly Dictionary<string, TrainedParameter> _whole = [];

    /// <param name="initial">Key and shape of a tensor -> its initial value, float32.</param>
    public AdapterFactory(DecoderModel model, LoraSettings settings, Func<AdapterTensor, Tensor> initial)
        : this(model, settings, target => new TrainedParameter(target.Key, target.Layer, initial(target)))
    {
    }

    /// <exception cref="InvalidInputException">The options do not fit the model.</exception>
    public AdapterWeights Create()
    {
        using var scope = NewDisposeScope();
        foreach (TargetModule target in TargetModules.Find(model, settings)) AddModule(target);
        foreach (string parameter in settings.TargetParameters) AddFusedExperts(parameter);
        (TrainedParameter? embedding, TrainedParameter? head) = AddModulesToSave();
        return new() { Parameters = _parameters, Modules = _modules, Whole = _whole, Embedding = embedding, Head = head };
    }

    private void AddModule(TargetModule target)
    {
        string key = KeyPrefix + TargetModules.ModuleName(model, target.Name);
        TrainedParameter a = Add($"{key}.lora_A.weight", target.Block, AdapterTensorRole.A, target.Name, target.Rank, target.Linear.In);
        TrainedParameter b = Add($"{key}.lora_B.weight", target.Block, AdapterTensorRole.B, target.Name, target.Linear.Out, target.Rank);
        TrainedParameter? magnitude = settings.UseDora
            ? Add($"{key}.lora_magnitude_vector", target.Block, AdapterTensorRole.Magnitude, target.Name, target.Linear.Out)
            : null;
        _modules[target.Name] = LoraModule.Of(a, b, Scale(target.Alpha, target.Rank), settings.Dropout, magnitude);
    }

    private double Scale(double alpha, int rank) => settings.UseRslora ? alpha / Math.Sqrt(rank) : alpha / rank;

    /// <summary>
    /// PEFT's layout for fused experts: A [experts * r, in] with an expert's rows together, B [out, r * experts] with an expert's columns strided; gate and up
    /// are one parameter, so they share A.
    /// </summary>
    private void AddFusedExperts(string parameter)
    {
        if (settings.UseDora || settings.Dropout > 0)
            throw new InvalidInputException("run settings", "lora.targetParameters", "cannot be used together with DoRA or dropout, which PEFT has for linear modules alone.");
        bool found = false;
        for (int block = 0; block < model.BlockCount; block++)
        {
            if (model.Parts(block) is not { Fused: { } fused, Experts.Count: var experts }) continue;
            string published = model.BlockPrefix(block) + fused.Parent, name = TargetModules.ModuleName(model, published);
            bool gateUp = TargetModules.IsNamed($"{name}.gate_up_proj", parameter), down = TargetModules.IsNamed($"{name}.down_proj", parameter);
            if (!gateUp && !down) continue;
            found = true;
            int rank = TargetModules.Rank(settings, $"{name}.{(gateUp ? "gate_up_proj" : "down_proj")}");
            double scale = Scale(TargetModules.Alpha(settings, $"{name}.{(gateUp ? "gate_up_proj" : "down_proj")}"), rank);
            (long input, long output) = gateUp ? (fused.Hidden, 2 * fused.Inner) : (fused.Inner, fused.Hidden);
            // PEFT nests one wrapper around another when both parameters of a module are targeted; the first one's keys get "base_layer."
            string key = KeyPrefix + name + (gateUp && settings.TargetParameters.Length > 1 ? ".base_layer" : "");
            TrainedParameter a = Add($"{key}.lora_A.weight", block, AdapterTensorRole.A, published, experts * rank, input);
            TrainedParameter b = Add($"{key}.lora_B.weight", block, AdapterTensorRole.B, published, output, rank * experts);
            for (int expert = 0; expert < experts; expert++) AddExpert(block, fused, expert, experts, a, b, gateUp, rank, scale);
        }
        if (!found) throw new InvalidInputException("run settings", "lora.targetParameters", $"'{parameter}' is no fused expert parameter of a {model.ModelType} model.");
    }

    private void AddExpert(int block, FusedExperts fused, int expert, int experts, TrainedParameter a, TrainedParameter b, bool gateUp, int rank, double scale)
    {
        Tensor Rows(Tensor whole) => whole.narrow(0, expert * rank, rank);
        Tensor Columns(Tensor whole, long from, long count) => whole.view(whole.size(0), rank, experts).select(2, expert).narrow(0, from, count);
        void Attach(string format, long from, long count) => _modules[model.BlockPrefix(block) + string.Format(null, format, expert)] = new(
            () => Rows(a.Value), () => Columns(b.Value, from, count), () => Rows(a.Gradient), () => Columns(b.Gradient, from, count)) { Scale = scale };
        if (!gateUp) Attach(fused.Down, 0, fused.Hidden);
        else
        {
            Attach(fused.Gate, 0, fused.Inner);
            Attach(fused.Up, fused.Inner, fused.Inner);
        }
    }

    private (TrainedParameter? Embedding, TrainedParameter? Head) AddModulesToSave()
    {
        TrainedParameter? embedding = null, head = null;
        HashSet<string> saved = [];
        foreach (string module in settings.ModulesToSave)
        {
            WholeParameter[] found = [.. WholeParameter.All(model).Where(p => IsWithin(TargetModules.ModuleName(model, p.Module), module))];
            if (found.Length == 0) throw new InvalidInputException("run settings", "lora.modulesToSave", $"'{module}' names no module of a {model.ModelType} model.");
            foreach (WholeParameter parameter in found.Where(parameter => saved.Add(parameter.Name)))
            {
                TrainedParameter trained = Add(
                    KeyPrefix + TargetModules.ModuleName(model, parameter.Name), parameter.Layer, AdapterTensorRole.Whole, parameter.BaseName, [.. parameter.Shape]);
                if (parameter.Name == model.EmbeddingName) embedding = trained;
                else if (parameter.IsHead) head = trained;
                else _whole[parameter.Name] = trained;
            }
        }
        return (embedding, head);
    }

    /// <summary>PEFT saves every module whose name ends with the given one, and all that it holds.</summary>
    private static bool IsWithin(string module, string saved)
    {
        string[] parts = module.Split('.');
        return Enumerable.Range(1, parts.Length).Any(count => string.Join('.', parts.Take(count)).EndsWith(saved, StringComparison.Ordinal));
    }

    private TrainedParameter Add(string key, int layer, AdapterTensorRole role, string baseName, params long[] shape)
    {
        TrainedParameter parameter = make(new(key, layer, role, baseName, shape));
        _parameters.Add(parameter);
        return parameter;
    }
}

public enum AdapterTensorRole { A, B, Magnitude, Whole }

/// <summary>A trained tensor to be made.</summary>
/// <param name="Key">Its key in adapter_model.safetensors.</param>
/// <param name="Layer">-1 the embedding, 0.. a block, the number of blocks the head.</param>
/// <param name="BaseName">Published name of the module (A, B, magnitude) or of the base tensor it starts from (whole).</param>
public sealed record AdapterTensor(string Key, int Layer, AdapterTensorRole Role, string BaseName, IReadOnlyList<long> Shape);
