using Lema.Engine.Errors;
using Lema.Engine.Weights;

namespace Lema.Engine.Models;

/// <summary>Compares what a model needs with what its files have, and reports all differences together.</summary>
internal sealed class TensorCheck(string source, IReadOnlyDictionary<string, TensorEntry> tensors)
{
    // Buffers that old checkpoints carry along, and the copy of a tied head.
    private static readonly string[] HarmlessEndings = ["rotary_emb.inv_freq", "attn.bias", "attn.masked_bias", "lm_head.weight"];

    private readonly HashSet<string> _found = [];
    private readonly List<InvalidInputException> _problems = [];

    public TensorEntry Find(string name, IReadOnlyList<long> shape)
    {
        _found.Add(name);
        if (!tensors.TryGetValue(name, out TensorEntry? entry))
            _problems.Add(new(source, name, $"is missing; config.json asks for a tensor of shape {Text(shape)}."));
        else if (!entry.Shape.SequenceEqual(shape))
            _problems.Add(new(source, name, $"has shape {Text(entry.Shape)}; config.json asks for {Text(shape)}."));
        else return entry;
        return new(name, "", 0, 0, TorchSharp.torch.ScalarType.Float32, shape);
    }

    /// <exception cref="InvalidInputsException">Anything that was found wrong, at most 20 problems.</exception>
    public void RejectUnknown()
    {
        foreach (string name in tensors.Keys.Where(name => !_found.Contains(name) && !HarmlessEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal))))
            _problems.Add(new(source, name, "is a tensor that config.json's architecture does not have; leaving it out would change the result."));
        if (_problems.Count == 1) throw _problems[0];
        if (_problems.Count > 0) throw new InvalidInputsException([.. _problems.Take(20)]);
    }

    private static string Text(IReadOnlyList<long> shape) => $"[{string.Join(", ", shape)}]";
}
