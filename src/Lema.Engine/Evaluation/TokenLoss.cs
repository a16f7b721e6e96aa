using Lema.Engine.Models;
using Lema.Engine.Models.Autodiff;
using Lema.Engine.Training;
using static TorchSharp.torch;

namespace Lema.Engine.Evaluation;

/// <summary>
/// Negative log likelihood of the targets of micro-batches, without gradients. All of them pass through a layer before the next is brought in, so one call
/// streams the weights once, and no more than a chunk of logits exists at a time.
/// </summary>
public sealed class TokenLoss(LanguageModel model)
{
    private const int LogitElementsAtOnce = 16 << 20;

    private readonly ChunkedCrossEntropy _crossEntropy = new(model, Math.Max(1, LogitElementsAtOnce / model.Architecture.VocabularySize));

    /// <summary>Sum over all targets, in nats, and their number.</summary>
    public (double Sum, long Targets) Compute(IReadOnlyList<MicroBatch> batches)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        model.Stream.Schedule(
        [
            .. Enumerable.Range(0, model.Architecture.BlockCount).Select(model.Units.Block), model.Units.FinalNorm, .. model.Adapters.Head is null ? model.Units.HeadTiles : [],
        ]);
        Tensor[] hidden = [.. batches.Select(batch => model.Embed(batch.Tokens).Value)];
        for (int block = 0; block < model.Architecture.BlockCount; block++) Advance(block, batches, hidden);
        (double sum, _) = _crossEntropy.Compute(Normalized(batches, hidden), [.. batches.Select(batch => batch.Targets)], divisor: null);
        return (sum, batches.Sum(batch => batch.TargetCount));
    }

    private void Advance(int block, IReadOnlyList<MicroBatch> batches, Tensor[] hidden) => model.Visit(block, weights =>
    {
        for (int i = 0; i < batches.Count; i++)
        {
            using var scope = NewDisposeScope();
            Tensor input = hidden[i];
            hidden[i] = model.Architecture.Block(new LayerPass(block, weights, batches[i].Tokens, model.Shared), block, new Variable(input)).Value.MoveToOuterDisposeScope();
            input.Dispose();
        }
    });

    /// <summary>[targets, hidden] of each micro-batch's tokens that carry loss.</summary>
    private Tensor[] Normalized(IReadOnlyList<MicroBatch> batches, Tensor[] hidden)
    {
        Tensor[] rows = [.. batches.Select((batch, i) => hidden[i].index_select(0, batch.LossPositions))];
        model.VisitFinalNorm(weights =>
        {
            for (int i = 0; i < rows.Length; i++)
                rows[i] = model.Architecture.FinalNorm(new LayerPass(model.Architecture.BlockCount, weights, batches[i].Tokens, model.Shared), new Variable(rows[i])).Value;
        });
        return rows;
    }
}
