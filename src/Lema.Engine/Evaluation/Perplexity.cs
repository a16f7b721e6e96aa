using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Training;

namespace Lema.Engine.Evaluation;

/// <param name="Value">exp of the mean negative log likelihood.</param>
/// <param name="MeanLoss">In nats a token.</param>
/// <param name="Tokens">Tokens that were predicted: all but the first.</param>
public sealed record PerplexityResult(double Value, double MeanLoss, long Tokens);

/// <summary>
/// Perplexity of a text by sliding windows: each window begins half its length after the one before, and every token is scored once, in the first window that
/// reaches it, so that it sees at least half a window of text before it.
/// </summary>
/// <param name="window">Tokens of a window; null: the model's context.</param>
/// <param name="windowsAtOnce">Windows that share one pass of the weights.</param>
public sealed class Perplexity(LanguageModel model, int? window = null, int windowsAtOnce = 8)
{
    private readonly TokenLoss _loss = new(model);

    /// <param name="ids">The text's tokens, a beginning-of-text token first where the model has one.</param>
    /// <param name="onTokens">Called with the number of tokens scored so far.</param>
    /// <exception cref="InvalidInputException">Fewer than two tokens.</exception>
    public PerplexityResult Measure(IReadOnlyList<int> ids, Action<long>? onTokens = null, CancellationToken stop = default)
    {
        if (ids.Count < 2) throw new InvalidInputException("text", "", "has fewer than two tokens, so there is nothing to predict");
        int length = Math.Max(2, Math.Min(window ?? model.Architecture.MaxPositions, model.Architecture.MaxPositions));
        double sum = 0;
        long targets = 0;
        foreach ((long[] Ids, long[] Labels)[] rows in Windows(ids, length).Chunk(windowsAtOnce))
        {
            stop.ThrowIfCancellationRequested();
            MicroBatch[] batches = [.. rows.Select(row => MicroBatch.Of([row], model.TorchDevice))];
            try
            {
                (double part, long count) = _loss.Compute(batches);
                sum += part;
                targets += count;
            }
            finally
            {
                foreach (MicroBatch batch in batches) batch.Dispose();
            }
            onTokens?.Invoke(targets);
        }
        return new PerplexityResult(Math.Exp(sum / targets), sum / targets, targets);
    }

    private static IEnumerable<(long[] Ids, long[] Labels)> Windows(IReadOnlyList<int> ids, int length)
    {
        int scored = 1, stride = Math.Max(1, length / 2);
        for (int start = 0; scored < ids.Count; start += stride)
        {
            int end = Math.Min(start + length, ids.Count), before = scored;
            yield return (
                [.. Enumerable.Range(start, end - start).Select(i => (long)ids[i])],
                [.. Enumerable.Range(start, end - start).Select(i => i < before ? MicroBatch.Ignored : ids[i])]);
            scored = end;
        }
    }
}
