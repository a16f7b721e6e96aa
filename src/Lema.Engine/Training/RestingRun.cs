using Lema.Engine.Adapters;
using Lema.Engine.Errors;
using Lema.Engine.Generation;
using Lema.Engine.Models;
using TorchSharp;

namespace Lema.Engine.Training;

/// <summary>
/// A run between two of its steps, when what a step needs beside the weights is free: its stream of weights can make replies meanwhile. Nothing that the run computes
/// later depends on it. Valid for the time of the call that hands it out.
/// </summary>
public sealed class RestingRun
{
    private readonly LanguageModel _model;
    private readonly long _freeBytes;
    private readonly int _tokensAtOnce;
    private readonly string _folder;

    /// <param name="freeBytes">Of the run's plan, what only a step uses.</param>
    /// <param name="tokensAtOnce">Tokens whose activations that holds.</param>
    /// <param name="folder">For what does not fit.</param>
    internal RestingRun(LanguageModel model, long freeBytes, int tokensAtOnce, string folder) => (_model, _freeBytes, _tokensAtOnce, _folder) = (model, freeBytes, tokensAtOnce, folder);

    /// <summary>Lends a generator that sees the base model with an adapter on top.</summary>
    /// <param name="adapterFolder">A checkpoint, or another adapter of the same base; empty: the base alone.</param>
    /// <exception cref="BudgetExceededException">The adapter takes more than the run has free.</exception>
    /// <exception cref="LemaException">The adapter is broken, or belongs to another model.</exception>
    public void Lend(string adapterFolder, Action<Generator> use)
    {
        using var scope = torch.NewDisposeScope();
        long adapterBytes = adapterFolder.Length == 0 ? 0 : TrainedFolder.ByteCount(adapterFolder);
        ThrowUnlessFree(adapterBytes);
        using LanguageModel model = _model.With(adapterFolder.Length == 0 ? AdapterWeights.None : TrainedFolder.Load(adapterFolder, _model.Architecture));
        adapterBytes += model.HeldAdapterBytes;
        ThrowUnlessFree(adapterBytes);
        use(new Generator(model, Bounds(adapterBytes)));
    }

    /// <summary>Bounds of replies by the model as it is being trained, whose adapter is there already but for the copy that a pass computes with.</summary>
    internal GeneratorOptions OwnBounds => Bounds(_model.HeldAdapterBytes);

    /// <summary>Half of what is free for keys and values, half for the pass itself.</summary>
    private GeneratorOptions Bounds(long takenBytes) =>
        new() { StateBytes = Math.Max(0, _freeBytes - takenBytes) / 2, StateFolder = _folder, TokensAtOnce = _tokensAtOnce };

    private void ThrowUnlessFree(long bytes)
    {
        if (bytes > _freeBytes) throw new BudgetExceededException(bytes, Math.Max(0, _freeBytes), "The checkpoint, beside the run that has the memory,");
    }
}
