using Lema.Engine.Models;
using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Operations;
using Lema.Engine.Models.Sequences;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Models;

public sealed class RotaryEmbeddingTests
{
    private const int Width = 32, Heads = 2, Known = 64;

    /// <summary>Frequencies depend on the longest sequence, and tables are made for the tokens of the batch alone.</summary>
    [Theory]
    [InlineData(false, 1, 2)]
    [InlineData(true, 1, 2)]
    [InlineData(true, 2, 2)]
    public void Rotate_BeyondThePositionsOfDynamicScaling_TurnsEachTokenByItsPosition(bool generates, int firstLength, int secondLength)
    {
        using var scope = NewDisposeScope();
        int[] lengths = [firstLength, secondLength], past = [96, 7];
        int tokens = lengths.Sum();
        RotarySettings rotary = new(Width, 10_000, new DynamicScaling(2, Known));
        using TokenBatch batch = new(new long[tokens], lengths, past);
        using PassConstants shared = new();
        using KeyValuePool pool = new();
        SequenceState[]? states = generates ? [new(1, 128, pool), new(1, 128, pool)] : null;
        using Generator random = new(5);
        Tensor x = randn([tokens, Heads, Width], generator: random);
        Tensor turned = new LayerPass(0, null!, batch, shared, States: states).Rotate(new Variable(x), rotary).Value;

        float[] frequencies = rotary.Frequencies(past[0] + firstLength);
        long[] positions = [.. lengths.SelectMany((length, i) => Enumerable.Range(past[i], length)).Select(position => (long)position)];
        for (int token = 0; token < tokens; token++)
        {
            for (int pair = 0; pair < Width / 2; pair++)
            {
                (double sin, double cos) = Math.SinCos(positions[token] * (double)frequencies[pair]);
                (double a, double b) = (x[token, 1, pair].item<float>(), x[token, 1, pair + Width / 2].item<float>());
                Assert.Equal(a * cos - b * sin, turned[token, 1, pair].item<float>(), 2e-5);
                Assert.Equal(b * cos + a * sin, turned[token, 1, pair + Width / 2].item<float>(), 2e-5);
            }
        }
        // Nothing is kept that the next token has no use for.
        Assert.Equal(0, shared.Count);
        foreach (SequenceState state in states ?? []) state.Dispose();
    }
}
