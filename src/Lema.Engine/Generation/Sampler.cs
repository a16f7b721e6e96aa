using Lema.Engine.Numerics;

namespace Lema.Engine.Generation;

/// <summary>Chooses the tokens of one reply. It owns the reply's random numbers, so replies made side by side are those made one by one.</summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly Xoshiro256 _random;
    private readonly HashSet<int> _occurred = [];
    private readonly LogitFilter _filter;

    /// <param name="prompt">Tokens before the reply; the repetition penalty counts them.</param>
    /// <param name="filter">Buffers, shared by samplers that are used in turns.</param>
    public Sampler(SamplingOptions options, IEnumerable<int> prompt, LogitFilter filter)
    {
        options.Validate();
        _options = options;
        _filter = filter;
        _random = new Xoshiro256(options.Seed);
        if (options.RepetitionPenalty != 1) _occurred.UnionWith(prompt);
    }

    /// <summary>Chooses the next token from its [vocabulary] logits, which are overwritten.</summary>
    public int Next(Span<float> logits)
    {
        int token;
        if (_options.IsGreedy)
        {
            LogitFilter.Penalize(logits, _occurred, _options.RepetitionPenalty);
            token = LogitFilter.ArgMax(logits);
        }
        else
        {
            _filter.Apply(logits, _occurred, _options);
            token = Draw(logits, _random.NextDouble());
        }
        if (_options.RepetitionPenalty != 1) _occurred.Add(token);
        return token;
    }

    /// <summary>The token at which the running sum of the probabilities passes the draw.</summary>
    private static int Draw(ReadOnlySpan<float> probabilities, double draw)
    {
        double sum = 0;
        int last = -1;
        for (int token = 0; token < probabilities.Length; token++)
        {
            if (probabilities[token] == 0) continue;
            sum += probabilities[token];
            last = token;
            if (sum > draw) return token;
        }
        return last;
    }
}
