using System.Numerics;
using System.Runtime.InteropServices;
using Lema.Engine.Errors;

namespace Lema.Engine.Generation;

/// <summary>
/// Turns logits into the distribution that a token is drawn from: repetition penalty, temperature, top-k, top-p, min-p, softmax, in the order and with the
/// rules of transformers' logits processors. Linear in the vocabulary. Keeps its buffers between calls; not thread-safe.
/// </summary>
public sealed class LogitFilter
{
    private readonly LogitOrder _order = new();
    private float[] _weights = [];

    /// <summary>Logits of the tokens that occurred move towards less likely, each once however often it occurred.</summary>
    public static void Penalize(Span<float> logits, IReadOnlyCollection<int> occurred, double penalty)
    {
        if (penalty == 1) return;
        float factor = (float)penalty;
        foreach (int token in occurred) logits[token] = logits[token] < 0 ? logits[token] * factor : logits[token] / factor;
    }

    /// <summary>Replaces [vocabulary] logits by probabilities, 0 for tokens that were filtered out.</summary>
    /// <param name="occurred">Distinct tokens of prompt and reply so far.</param>
    /// <exception cref="InvalidInputException">The logits hold a NaN, or nothing above minus infinity.</exception>
    public void Apply(Span<float> logits, IReadOnlyCollection<int> occurred, SamplingOptions options)
    {
        Penalize(logits, occurred, options.RepetitionPenalty);
        if (options.Temperature != 1) Divide(logits, (float)options.Temperature);
        float largest = Largest(logits);
        if (options.TopK > 0 && options.TopK < logits.Length) RemoveBelow(logits, _order.KthLargest(logits, options.TopK));
        if (_weights.Length < logits.Length) _weights = new float[logits.Length];
        Span<float> weights = _weights.AsSpan(0, logits.Length);
        double total = Exponentiate(logits, largest, weights);
        if (options.TopP < 1)
        {
            _order.RemoveTail(logits, weights, total, (float)(1 - options.TopP));
            total = Exponentiate(logits, largest, weights);
        }
        if (options.MinP > 0) total = RemoveLight(weights, (float)options.MinP);
        for (int token = 0; token < logits.Length; token++) logits[token] = (float)(weights[token] / total);
    }

    /// <summary>The index of the largest logit, the first among equals.</summary>
    /// <exception cref="InvalidInputException">The logits hold a NaN, or nothing above minus infinity.</exception>
    public static int ArgMax(ReadOnlySpan<float> logits) => logits.IndexOf(Largest(logits));

    private static float Largest(ReadOnlySpan<float> logits)
    {
        float largest = float.NegativeInfinity;
        bool isNumber = true;
        foreach (float logit in logits)
        {
            isNumber &= !float.IsNaN(logit);
            largest = MathF.Max(largest, logit);
        }
        if (isNumber && float.IsFinite(largest)) return largest;
        throw new InvalidInputException("model", "logits", "the output holds no finite maximum or a NaN: the weights are damaged or training diverged; use an earlier checkpoint");
    }

    private static void Divide(Span<float> values, float divisor)
    {
        Vector<float> broadcast = new(divisor);
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (ref Vector<float> vector in vectors) vector /= broadcast;
        foreach (ref float value in values[(vectors.Length * Vector<float>.Count)..]) value /= divisor;
    }

    private static void RemoveBelow(Span<float> logits, float least)
    {
        foreach (ref float logit in logits)
        {
            if (logit < least) logit = float.NegativeInfinity;
        }
    }

    /// <summary>Zeroes weights below the least and returns the sum of the others. The largest weight is 1, so it stays.</summary>
    private static double RemoveLight(Span<float> weights, float least)
    {
        double total = 0;
        foreach (ref float weight in weights)
        {
            if (weight < least) weight = 0;
            total += weight;
        }
        return total;
    }

    /// <summary>weights = exp(logits - largest); returns their sum.</summary>
    private static double Exponentiate(ReadOnlySpan<float> logits, float largest, Span<float> weights)
    {
        double total = 0;
        for (int token = 0; token < logits.Length; token++) total += weights[token] = MathF.Exp(logits[token] - largest);
        return total;
    }
}
