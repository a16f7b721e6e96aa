using Lema.Engine.Adapters;
using Lema.Engine.Models;
using Lema.Engine.Weights;

namespace Lema.Engine.Merging;

/// <summary>What training made of one tensor of the base: a low-rank update of it, or another value altogether.</summary>
internal abstract record WeightUpdate
{
    /// <summary>All updates, by the published name of the tensor in the merged model.</summary>
    /// <param name="adapters">Whose values stay in their file.</param>
    public static IReadOnlyDictionary<string, WeightUpdate> Of(DecoderModel model, AdapterWeights adapters)
    {
        Dictionary<string, WeightUpdate> updates = [];
        for (int block = 0; block < model.BlockCount; block++)
        {
            BlockParts parts = model.Parts(block);
            foreach (LinearSpec linear in parts.Linears.Concat(parts.Experts.SelectMany(expert => expert)))
            {
                string module = model.BlockPrefix(block) + linear.Module;
                if (adapters.Modules.TryGetValue(module, out LoraModule? lora)) updates.Add(module + ".weight", new LowRankUpdate(block, lora, linear.Transposed));
            }
        }
        foreach ((string name, TrainedParameter trained) in adapters.Whole) updates.Add(name, Replacement.Of(trained));
        if (adapters.Embedding is { } embedding) updates[model.EmbeddingName] = Replacement.Of(embedding);
        if (adapters.Head is { } head && head != adapters.Embedding) updates[MergePlan.HeadName] = Replacement.Of(head);
        return updates;
    }
}

/// <param name="Stored">Where the trained value is read from.</param>
internal sealed record Replacement(TensorEntry Stored) : WeightUpdate
{
    public static Replacement Of(TrainedParameter parameter) => new(parameter.Stored ?? throw new InvalidOperationException($"{parameter.Name} is in no file."));
}

/// <param name="Layer">Whose trained parameters A, B and magnitude are.</param>
/// <param name="Transposed">The weight is stored [in, out].</param>
internal sealed record LowRankUpdate(int Layer, LoraModule Lora, bool Transposed) : WeightUpdate;
