using Lema.Engine.Models.Operations;
using Lema.Engine.Streaming;
using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>The output matrix, visited tile by tile: from normalised hidden states to logits.</summary>
public sealed class OutputHead(LanguageModel model)
{
    /// <summary>Tiles as (first row, rows).</summary>
    public IReadOnlyList<(long First, long Count)> Tiles { get; } = model.Adapters.Head is not null
        ? [(0, model.Architecture.VocabularySize)]
        : [.. model.Units.HeadTiles.Select(unit => (model.Stream.Units[unit].Slices[0].FirstRow, model.Stream.Units[unit].Slices[0].RowCount))];

    /// <summary>Runs an action with rows of the output matrix, [rows, hidden] in the compute type.</summary>
    public void Visit(int tile, Action<Tensor> action)
    {
        using var scope = NewDisposeScope();
        if (model.Adapters.Head is { } trained)
        {
            action(trained.Value.to(model.ComputeType, model.TorchDevice));
            return;
        }
        using UnitLease lease = model.Stream.Acquire(model.Units.HeadTiles[tile]);
        action(lease[model.Units.Head.Name].to(model.ComputeType));
    }

    /// <summary>Float32 logits [tokens, tile rows] of normalised hidden states [tokens, hidden] and rows of the output matrix.</summary>
    public Tensor Logits(Tensor hidden, Tensor rows) => Capped(Product(hidden, rows).to(ScalarType.Float32));

    /// <summary>The family's scale and cap of logits, in place.</summary>
    private Tensor Capped(Tensor logits)
    {
        if (model.Architecture.LogitScale != 1) logits.mul_(model.Architecture.LogitScale);
        return model.Architecture.LogitSoftcap is { } cap ? logits.div_(cap).tanh_().mul_(cap) : logits;
    }

    /// <summary>hidden [tokens, hidden] x rows^T -> [tokens, tile rows] in their type.</summary>
    public Tensor Product(Tensor hidden, Tensor rows) => MatrixProduct.Multiply(hidden, rows.t());

    /// <summary>Gradient with respect to hidden W^T, in place, from that of the logits.</summary>
    public Tensor LogitsBackward(Tensor gradient, Tensor logits)
    {
        if (model.Architecture.LogitSoftcap is { } cap)
        {
            using var scope = NewDisposeScope();
            gradient.mul_(logits.div(cap).square().neg_().add_(1));
        }
        return model.Architecture.LogitScale == 1 ? gradient : gradient.mul_(model.Architecture.LogitScale);
    }

    /// <summary>All float32 logits [tokens, vocabulary] of a few normalised hidden states, as generation needs them.</summary>
    public Tensor AllLogits(Tensor hidden)
    {
        Tensor logits = empty([hidden.size(0), model.Architecture.VocabularySize], ScalarType.Float32, hidden.device);
        for (int tile = 0; tile < Tiles.Count; tile++)
        {
            (long first, long count) = Tiles[tile];
            Visit(tile, rows =>
            {
                if (MatrixVector.Supports(hidden, rows)) MatrixVector.MultiplyInto(logits, first, hidden, rows);
                else logits.narrow(1, first, count).copy_(Product(hidden, rows));
            });
        }
        return Capped(logits);
    }
}
