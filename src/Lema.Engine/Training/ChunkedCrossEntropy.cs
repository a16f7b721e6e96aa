using Lema.Engine.Models;
using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>
/// Cross-entropy over the vocabulary without ever holding [tokens, vocabulary]: logits exist for one chunk of tokens (and one tile of the vocabulary) at a
/// time, and the gradient with respect to the hidden states is computed on the way. Softmax and sums are float32.
/// </summary>
public sealed class ChunkedCrossEntropy(LanguageModel model, int chunkTokens)
{
    private readonly OutputHead _head = new(model);

    /// <summary>Negative log likelihood summed over the tokens, and the gradient of (that sum / divisor) for the hidden states.</summary>
    /// <param name="hidden">Normalised hidden states of tokens that carry loss, [tokens, hidden], one tensor a micro-batch.</param>
    /// <param name="targets">The token to predict at each of them, int64 [tokens].</param>
    /// <param name="divisor">Targets of the whole step; null: no gradient is wanted.</param>
    public (double Loss, Tensor[] Gradients) Compute(IReadOnlyList<Tensor> hidden, IReadOnlyList<Tensor> targets, double? divisor)
    {
        // Chunks run across micro-batches, so that a head in tiles is brought in as seldom as possible.
        Tensor all = hidden.Count == 1 ? hidden[0] : cat([.. hidden], 0), allTargets = targets.Count == 1 ? targets[0] : cat([.. targets], 0);
        Tensor? gradient = divisor is null ? null : zeros(all.shape, ScalarType.Float32, all.device);
        Chunk[] chunks = [.. Chunks(all, allTargets, gradient)];
        double loss = SoftmaxLoss.Supports(model) && (divisor is not null || _head.Tiles.Count == 1) ? InPlace(chunks, divisor) : _head.Tiles.Count == 1 ? OneTile(chunks, divisor) : ManyTiles(chunks, divisor);
        return (loss, gradient is null ? [] : [.. gradient.to(all.dtype).split(hidden.Select(h => h.size(0)).ToArray(), 0)]);
    }

    /// <summary>The visits of head tiles that <see cref="Compute"/> makes, in order.</summary>
    /// <param name="tokens">That carry loss.</param>
    public static IEnumerable<int> Visits(LanguageModel model, long tokens, int chunkTokens)
    {
        IReadOnlyList<int> tiles = model.Units.HeadTiles;
        if (model.Adapters.Head is not null) return [];
        if (tiles.Count == 1) return tiles;
        int rounds = SoftmaxLoss.Supports(model) ? (int)((tokens + chunkTokens - 1) / chunkTokens) : 1;
        return Enumerable.Repeat(tiles.Concat(tiles.Reverse()), rounds).SelectMany(round => round);
    }

    private IEnumerable<Chunk> Chunks(Tensor hidden, Tensor targets, Tensor? gradient)
    {
        for (long start = 0; start < hidden.size(0); start += chunkTokens)
        {
            long count = Math.Min(chunkTokens, hidden.size(0) - start);
            yield return new(hidden.narrow(0, start, count), targets.narrow(0, start, count), gradient?.narrow(0, start, count));
        }
    }

    // The bfloat16 logits of one chunk over the whole vocabulary become their own gradient; tiles are visited to and fro.
    private double InPlace(Chunk[] chunks, double? divisor)
    {
        double loss = 0;
        if (_head.Tiles.Count == 1) _head.Visit(0, rows =>
        {
            foreach (Chunk chunk in chunks)
            {
                using var scope = NewDisposeScope();
                Tensor logits = _head.Product(chunk.Hidden, rows);
                loss += SoftmaxLoss.Compute(logits, chunk.Targets.data<long>().ToArray(), divisor);
                if (divisor is not null) chunk.Gradient!.add_(MatrixProduct.Multiply(logits, rows));
            }
        });
        else foreach (Chunk chunk in chunks)
        {
            using var scope = NewDisposeScope();
            Tensor logits = empty([chunk.Hidden.size(0), model.Architecture.VocabularySize], chunk.Hidden.dtype);
            Tensor Tile(int tile) => logits.narrow(1, _head.Tiles[tile].First, _head.Tiles[tile].Count);
            for (int tile = 0; tile < _head.Tiles.Count; tile++) _head.Visit(tile, rows => Tile(tile).copy_(_head.Product(chunk.Hidden, rows)));
            loss += SoftmaxLoss.Compute(logits, chunk.Targets.data<long>().ToArray(), divisor);
            for (int tile = _head.Tiles.Count - 1; tile >= 0; tile--) _head.Visit(tile, rows => chunk.Gradient!.add_(MatrixProduct.Multiply(Tile(tile), rows)));
        }
        return loss;
    }

    private double OneTile(Chunk[] chunks, double? divisor)
    {
        double loss = 0;
        _head.Visit(0, rows =>
        {
            foreach (Chunk chunk in chunks)
            {
                using var scope = NewDisposeScope();
                Tensor logits = _head.Logits(chunk.Hidden, rows), index = chunk.Targets.unsqueeze(1);
                Tensor logSum = logits.logsumexp(1, keepdim: true);
                loss += logSum.sub(logits.gather(1, index)).sum().item<float>();
                if (divisor is { } count) Back(chunk, rows, logits, logSum, index, 0, count);
            }
        });
        return loss;
    }

    // First pass: running log-sum and the target's logit; second pass, last tile first since it is still in its slot: the gradient.
    private double ManyTiles(Chunk[] chunks, double? divisor)
    {
        for (int tile = 0; tile < _head.Tiles.Count; tile++)
        {
            (long first, long size) = _head.Tiles[tile];
            _head.Visit(tile, rows =>
            {
                foreach (Chunk chunk in chunks)
                {
                    using var scope = NewDisposeScope();
                    Tensor logits = _head.Logits(chunk.Hidden, rows), logSum = logits.logsumexp(1, keepdim: true);
                    Tensor inside = chunk.Targets.ge(first).logical_and(chunk.Targets.lt(first + size)).unsqueeze(1);
                    Tensor local = chunk.Targets.sub(first).clamp(0, size - 1).unsqueeze(1);
                    Tensor target = where(inside, logits.gather(1, local), zeros_like(logSum));
                    chunk.LogSum = Replace(chunk.LogSum, chunk.LogSum is null ? logSum : logaddexp(chunk.LogSum, logSum));
                    chunk.Target = Replace(chunk.Target, chunk.Target is null ? target : chunk.Target.add(target));
                }
            });
        }
        double loss = chunks.Sum(chunk => chunk.LogSum!.sub(chunk.Target!).sum().item<float>());
        for (int tile = divisor is null ? -1 : _head.Tiles.Count - 1; tile >= 0; tile--)
        {
            (long first, long size) = _head.Tiles[tile];
            _head.Visit(tile, rows =>
            {
                foreach (Chunk chunk in chunks)
                {
                    using var scope = NewDisposeScope();
                    Back(chunk, rows, _head.Logits(chunk.Hidden, rows), chunk.LogSum!, chunk.Targets.sub(first).unsqueeze(1), first, divisor!.Value);
                }
            });
        }
        foreach (Chunk chunk in chunks) (chunk.LogSum, chunk.Target) = (Replace(chunk.LogSum, null), Replace(chunk.Target, null));
        return loss;
    }

    // d(loss)/d(logits) = (softmax - one-hot) / divisor
    private void Back(Chunk chunk, Tensor rows, Tensor logits, Tensor logSum, Tensor index, long firstRow, double divisor)
    {
        Tensor gradient = model.Architecture.LogitSoftcap is null ? logits.sub_(logSum).exp_() : logits.sub(logSum).exp_();
        Tensor inside = index.ge(0).logical_and(index.lt(logits.size(1)));
        gradient.scatter_add_(1, index.clamp(0, logits.size(1) - 1), inside.to(ScalarType.Float32).neg_());
        gradient.div_(divisor);
        gradient = _head.LogitsBackward(gradient, logits).to(rows.dtype);
        chunk.Gradient!.add_(MatrixProduct.Multiply(gradient, rows));
        if (model.Adapters.Head is { } trained)
            trained.Gradient.narrow(0, firstRow, rows.size(0)).add_(gradient.to(ScalarType.Float32).t().matmul(chunk.Hidden.to(ScalarType.Float32)).to(trained.Gradient.device));
    }

    private static Tensor? Replace(Tensor? old, Tensor? replacement)
    {
        old?.Dispose();
        return replacement?.DetachFromDisposeScope();
    }

    private sealed class Chunk(Tensor hidden, Tensor targets, Tensor? gradient)
    {
        public Tensor Hidden { get; } = hidden;

        public Tensor Targets { get; } = targets;

        public Tensor? Gradient { get; } = gradient;

        public Tensor? LogSum { get; set; }

        public Tensor? Target { get; set; }
    }
}
