using System.Globalization;
using Lema.Engine.Adapters;
using Lema.Engine.Models;
using TorchSharp;

namespace Lema.Conformance.Golden;

/// <summary>The names that transformers gives parameters in memory: with the prefix that published files may lack, and with the experts of a block in fused tensors.</summary>
public sealed class TransformersNames(DecoderModel model)
{
    // Mixtral's router is published under the name that the block had when it came out.
    private const string PublishedRouter = ".block_sparse_moe.gate.", Router = ".mlp.gate.";

    /// <summary>The parameter of transformers that holds a published one.</summary>
    public string Of(WholeParameter parameter)
    {
        if (parameter.Layer >= 0 && parameter.Layer < model.BlockCount && model.Parts(parameter.Layer) is { Fused: { } fused, Experts.Count: var count })
        {
            string prefix = model.BlockPrefix(parameter.Layer);
            for (int expert = 0; expert < count; expert++)
            {
                if (parameter.Name == Matrix(prefix, fused.Gate, expert) || parameter.Name == Matrix(prefix, fused.Up, expert)) return $"{prefix}{fused.Parent}.gate_up_proj";
                if (parameter.Name == Matrix(prefix, fused.Down, expert)) return $"{prefix}{fused.Parent}.down_proj";
            }
        }
        return TargetModules.ModuleName(model, parameter.Name.Replace(PublishedRouter, Router, StringComparison.Ordinal));
    }

    /// <summary>A parameter of transformers, from tensors by their published names.</summary>
    public torch.Tensor Find(IReadOnlyDictionary<string, torch.Tensor> published, string name)
    {
        if (published.TryGetValue(model.PublishedName(name), out torch.Tensor? tensor)) return tensor;
        if (model.ModelType == "mixtral" && published.TryGetValue(name.Replace(Router, PublishedRouter, StringComparison.Ordinal), out torch.Tensor? router)) return router;
        for (int block = 0; block < model.BlockCount; block++)
        {
            string prefix = model.BlockPrefix(block);
            if (model.Parts(block) is not { Fused: { } fused, Experts.Count: var count } || !name.StartsWith(prefix + fused.Parent, StringComparison.Ordinal)) continue;
            bool gateUp = name.EndsWith("gate_up_proj", StringComparison.Ordinal);
            return torch.stack([.. Enumerable.Range(0, count).Select(e => gateUp
                ? torch.cat([published[Matrix(prefix, fused.Gate, e)], published[Matrix(prefix, fused.Up, e)]], 0)
                : published[Matrix(prefix, fused.Down, e)])], 0);
        }
        throw new KeyNotFoundException(name);
    }

    private static string Matrix(string prefix, string format, int expert) => prefix + string.Format(CultureInfo.InvariantCulture, format, expert) + ".weight";
}
