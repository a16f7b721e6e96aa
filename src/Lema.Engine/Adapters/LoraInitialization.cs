using Lema.Engine.Numerics;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>PEFT's initial values: A Kaiming-uniform with a = sqrt(5), that is uniform within 1 / sqrt(in); B zero; a magnitude is the row norm of W.</summary>
public static class LoraInitialization
{
    /// <summary>[rank, in], a pure function of the seed and the tensor's key.</summary>
    public static Tensor KaimingUniform(AdapterTensor target, int seed)
    {
        float bound = 1f / MathF.Sqrt(target.Shape[1]);
        SplitMix64 random = new(SplitMix64.Seed(target.Key, seed));
        float[] values = new float[target.Shape[0] * target.Shape[1]];
        for (int i = 0; i < values.Length; i++) values[i] = (random.NextSingle() * 2 - 1) * bound;
        return tensor(values, [.. target.Shape]);
    }
}
