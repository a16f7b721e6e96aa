using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Configuration;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>Rotary position embedding (Su et al. 2021), rotating halves of the head, not neighbours.</summary>
public static class RotaryEmbedding
{
    // Frequencies that change with every length are not worth keeping.
    private const int MostKeptKind = 1;

    /// <summary>Rotates each head by its token's position. x: [tokens, heads, head dim]; only the first <see cref="RotarySettings.Dimensions"/> of a head turn.</summary>
    public static Variable Rotate(this LayerPass pass, Variable x, RotarySettings rotary)
    {
        if (DecodeKernels.Support(pass, x.Value))
        {
            (Tensor allCos, Tensor allSin) = AllPositions(pass, rotary, x.Value.dtype);
            return new(DecodeKernels.Rotate(x.Value, allCos, allSin, pass.Batch.Segments));
        }
        (Tensor cos, Tensor sin) = Tables(pass, rotary, x.Value.dtype);
        return pass.Record(Turn(x.Value, cos, sin, 1), [], gradient =>
        {
            (Tensor cosBack, Tensor sinBack) = Tables(pass, rotary, gradient.dtype);
            x.Accumulate(Turn(gradient, cosBack, sinBack, -1));
        });
    }

    // out1 = x1 cos - x2 sin, out2 = x2 cos + x1 sin; the transpose is the rotation by the opposite angle
    private static Tensor Turn(Tensor x, Tensor cos, Tensor sin, int direction)
    {
        using var scope = NewDisposeScope();
        long half = cos.size(-1), width = x.size(-1);
        Tensor first = x.narrow(-1, 0, half), second = x.narrow(-1, half, half), result = empty_like(x);
        result.narrow(-1, 0, half).copy_(first.mul(cos).addcmul_(second, sin, -direction));
        result.narrow(-1, half, half).copy_(second.mul(cos).addcmul_(first, sin, direction));
        if (width > 2 * half) result.narrow(-1, 2 * half, width - 2 * half).copy_(x.narrow(-1, 2 * half, width - 2 * half));
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>[tokens, 1, dimensions / 2] cosine and sine of each token's angles.</summary>
    private static (Tensor Cos, Tensor Sin) Tables(LayerPass pass, RotarySettings rotary, ScalarType type)
    {
        (Tensor cos, Tensor sin) = AllPositions(pass, rotary, type);
        return (cos.index_select(0, pass.Batch.Positions), sin.index_select(0, pass.Batch.Positions));
    }

    /// <summary>The same of every position up to the batch's last and some beyond it, [positions, 1, dimensions / 2].</summary>
    private static (Tensor Cos, Tensor Sin) AllPositions(LayerPass pass, RotarySettings rotary, ScalarType type)
    {
        TokenBatch batch = pass.Batch;
        int length = batch.Segments.Max(segment => segment.Past + segment.Length), kind = rotary.Scaling.Kind(length);
        long positions = (long)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length);
        Tensor Angles() => arange(positions, ScalarType.Float32, batch.Positions.device).unsqueeze(1).mul(tensor(rotary.Frequencies(length), device: batch.Positions.device));
        (TorchSharp.DeviceType, int) device = (batch.Positions.device_type, batch.Positions.device_index);
        Tensor Compute(Func<Tensor, Tensor> function) => function(Angles()).mul(rotary.AttentionFactor).to(type).unsqueeze(1);
        Tensor Table(string name, Func<Tensor, Tensor> function) => kind <= MostKeptKind
            ? pass.Shared.Get((rotary, name, positions, kind, type, device), () => Compute(function))
            : Compute(function);
        return (Table("cos", cos), Table("sin", sin));
    }
}
