using Lema.Engine.Models;
using Lema.Engine.Models.Autodiff;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>
/// Loss and gradients of one step. Forward, layer by layer, keeping only boundary activations; then the head; then backward, layer by layer, recomputing each layer
/// from its boundary. All micro-batches pass through a layer before the next is brought in, so a step streams the weights once each way.
/// </summary>
/// <param name="model">The model; its trained parameters' gradients are added to.</param>
/// <param name="boundaries">Where layer inputs wait.</param>
/// <param name="keptLayers">The last blocks whose activations are kept instead of recomputed, at least the last one.</param>
/// <param name="chunkTokens">Tokens whose logits exist at one time.</param>
public sealed class GradientPass(LanguageModel model, IBoundaryStore boundaries, int keptLayers = 1, int chunkTokens = 1024)
{
    private readonly int _blocks = model.Architecture.BlockCount;
    private readonly Dictionary<(int Block, int MicroBatch), Visited> _kept = [];

    /// <summary>Called, when set, with the gradient of each block's input: block, micro-batch, [tokens, hidden].</summary>
    public Action<int, int, Tensor>? OnInputGradient { get; init; }

    /// <summary>Called, when set, with the step's loss before any gradient of a layer is complete.</summary>
    public Action<double>? OnLoss { get; init; }

    /// <summary>Called, when set, when every gradient of a layer is complete: -1 the embedding, 0.. a block, the number of blocks the head.</summary>
    public Action<int>? OnLayerDone { get; init; }

    /// <summary>Called, when set, between two layers, when of the last one only what it hands on is in memory.</summary>
    public Action? OnBetweenLayers { get; init; }

    /// <summary>Gradients come out multiplied by this.</summary>
    public double LossScale { get; init; } = 1;

    /// <summary>
    /// Looked at before each layer, going back only where nobody is told of finished layers, who may have used them. A cancelled pass leaves gradients that mean nothing.
    /// </summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Adds the gradients of the step's loss to the trained parameters, and returns the loss: mean over all targets of the step.</summary>
    public double Run(IReadOnlyList<MicroBatch> step, DropoutSeed? dropout = null)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        int lowest = OnInputGradient is null ? model.Adapters.LowestLayer : Math.Min(model.Adapters.LowestLayer, 0), firstTrained = Math.Max(lowest, 0);
        model.Stream.Schedule(Visits(step, firstTrained));
        try
        {
            Tensor[] hidden = Forward(step, lowest, dropout);
            (double loss, Tensor[] gradients) = Head(step, hidden);
            OnLoss?.Invoke(loss);
            OnLayerDone?.Invoke(_blocks);
            OnBetweenLayers?.Invoke();
            if (lowest < _blocks) Backward(step, gradients, firstTrained, lowest, dropout);
            return loss;
        }
        finally
        {
            foreach (Visited visit in _kept.Values) visit.Dispose();
            _kept.Clear();
        }
    }

    private IEnumerable<int> Visits(IReadOnlyList<MicroBatch> step, int firstTrained)
    {
        IEnumerable<int> blocks = Enumerable.Range(0, _blocks);
        return blocks.Select(model.Units.Block)
            .Append(model.Units.FinalNorm).Concat(ChunkedCrossEntropy.Visits(model, step.Sum(batch => (long)batch.TargetCount), chunkTokens)).Append(model.Units.FinalNorm)
            .Concat(blocks.Skip(firstTrained).Reverse().Select(model.Units.Block));
    }

    private LayerPass Pass(int block, LayerWeights weights, MicroBatch batch, int index, Tape? tape, DropoutSeed? dropout) =>
        new(block, weights, batch.Tokens, model.Shared, tape, null, dropout is { } seed ? seed with { MicroBatch = index } : null);

    private Tensor[] Forward(IReadOnlyList<MicroBatch> step, int lowest, DropoutSeed? dropout)
    {
        Tensor[] hidden = [.. step.Select((batch, i) => EmbedOne(batch, i, lowest))];
        for (int block = 0; block < _blocks; block++)
        {
            Stop.ThrowIfCancellationRequested();
            bool trains = block >= lowest, keeps = trains && block >= _blocks - keptLayers;
            model.Visit(block, weights =>
            {
                for (int i = 0; i < step.Count; i++)
                {
                    using var scope = NewDisposeScope();
                    Tape? tape = keeps ? new() : null;
                    Variable input = new(hidden[i]);
                    Variable output = model.Architecture.Block(Pass(block, weights, step[i], i, tape, dropout), block, input);
                    if (tape is not null)
                    {
                        _kept[(block, i)] = new(tape, input, output, model.ComputeLedger.Charge("kept activations", tape.SavedBytes));
                        tape.OutliveScope();
                    }
                    else if (trains) boundaries.Put(block, i, hidden[i]);
                    else hidden[i].Dispose();
                    hidden[i] = output.Value.MoveToOuterDisposeScope();
                }
            });
            OnBetweenLayers?.Invoke();
        }
        return hidden;
    }

    private Tensor EmbedOne(MicroBatch batch, int index, int lowest)
    {
        if (lowest >= 0)
        {
            using var scope = NewDisposeScope();
            return model.Embed(batch.Tokens).Value.MoveToOuterDisposeScope();
        }
        Tape tape = new();
        Variable embedded = model.Embed(batch.Tokens, tape);
        _kept[(-1, index)] = new(tape, embedded, embedded, null);
        tape.OutliveScope();
        return embedded.Value;
    }

    // Only tokens that carry loss pass the norm and the head. Nothing of it but the gradients is left when the blocks go back, which need the memory.
    private (double Loss, Tensor[] Gradients) Head(IReadOnlyList<MicroBatch> step, Tensor[] hidden)
    {
        using var scope = NewDisposeScope();
        Variable[] rows = [.. step.Select((batch, i) => new Variable(hidden[i].index_select(0, batch.LossPositions)))], normalized = new Variable[rows.Length];
        // Gradients go back through what a block's operations have saved, its output is not among it.
        foreach (Tensor whole in hidden) whole.Dispose();
        Tape[] tapes = [.. step.Select(_ => new Tape())];
        model.VisitFinalNorm(weights =>
        {
            for (int i = 0; i < rows.Length; i++) normalized[i] = model.Architecture.FinalNorm(Pass(_blocks, weights, step[i], i, tapes[i], null), rows[i]);
        });
        double targets = step.Sum(batch => batch.TargetCount);
        (double sum, Tensor[] gradients) = new ChunkedCrossEntropy(model, chunkTokens)
            .Compute([.. normalized.Select(n => n.Value)], [.. step.Select(batch => batch.Targets)], targets / LossScale);
        model.VisitFinalNorm(_ =>
        {
            for (int i = 0; i < rows.Length; i++)
            {
                using var one = NewDisposeScope();
                tapes[i].Backward(normalized[i], gradients[i]);
                Tensor gradient = rows[i].TakeGradient()!, whole = zeros([step[i].Tokens.TokenCount, gradient.size(1)], gradient.dtype, gradient.device);
                // Out of this row's scope and the head's.
                gradients[i] = whole.index_copy_(0, step[i].LossPositions, gradient).MoveToOuterDisposeScope().MoveToOuterDisposeScope();
                foreach (Tensor done in (Tensor[])[rows[i].Value, normalized[i].Value]) done.Dispose();
                tapes[i].Dispose();
            }
        });
        return (sum / targets, gradients);
    }

    private void Backward(IReadOnlyList<MicroBatch> step, Tensor[] gradients, int firstTrained, int lowest, DropoutSeed? dropout)
    {
        for (int block = _blocks - 1; block >= firstTrained; block--)
        {
            if (OnLayerDone is null) Stop.ThrowIfCancellationRequested();
            model.Visit(block, weights =>
            {
                for (int i = 0; i < step.Count; i++)
                {
                    using var scope = NewDisposeScope();
                    if (!_kept.Remove((block, i), out Visited? visit)) visit = Recompute(block, weights, step[i], i, dropout);
                    visit.Tape.Backward(visit.Output, gradients[i]);
                    visit.Dispose();
                    visit.Input.Value.Dispose();
                    gradients[i].Dispose();
                    gradients[i] = visit.Input.TakeGradient()!.MoveToOuterDisposeScope();
                    OnInputGradient?.Invoke(block, i, gradients[i]);
                }
            });
            OnLayerDone?.Invoke(block);
            OnBetweenLayers?.Invoke();
        }
        if (lowest >= 0) return;
        for (int i = 0; i < step.Count; i++)
        {
            if (!_kept.Remove((-1, i), out Visited? embedding)) throw new InvalidOperationException("The embedding was not recorded.");
            embedding.Tape.Backward(embedding.Output, gradients[i]);
            embedding.Dispose();
        }
        OnLayerDone?.Invoke(-1);
    }

    private Visited Recompute(int block, LayerWeights weights, MicroBatch batch, int index, DropoutSeed? dropout)
    {
        Tape tape = new();
        Variable input = new(boundaries.Take(block, index));
        return new(tape, input, model.Architecture.Block(Pass(block, weights, batch, index, tape, dropout) with { Recomputes = true }, block, input), null);
    }

    /// <summary>One micro-batch in one layer, between its forward and its backward pass.</summary>
    private sealed record Visited(Tape Tape, Variable Input, Variable Output, IDisposable? Charge) : IDisposable
    {
        public void Dispose()
        {
            Tape.Dispose();
            Charge?.Dispose();
        }
    }
}
