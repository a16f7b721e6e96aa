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
        if (DecodeKernels.Support(pass, x.Value)) return new(DecodeKernels.Rotate(x.Value, Tables(pass, rotary, x.Value.dtype), pass.Batch.Segments));
        (Tensor cos, Tensor sin) = OfTokens(pass, rotary, x.Value.dtype);
        return pass.Record(Turn(x.Value, cos, sin, 1), [], gradient =>
        {
            (Tensor cosBack, Tensor sinBack) = OfTokens(pass, rotary, gradient.dtype);
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
    private static (Tensor Cos, Tensor Sin) OfTokens(LayerPass pass, RotarySettings rotary, ScalarType type)
    {
        RotaryTables tables = Tables(pass, rotary, type);
        return tables.OfAllPositions ? (tables.Cos.index_select(0, pass.Batch.Positions), tables.Sin.index_select(0, pass.Batch.Positions)) : (tables.Cos, tables.Sin);
    }

    /// <summary>
    /// Kept for all passes, the angles of every position up to the batch's last and some beyond it. Where frequencies change with the length, of the batch's tokens alone.
    /// </summary>
    private static RotaryTables Tables(LayerPass pass, RotarySettings rotary, ScalarType type)
    {
        TokenBatch batch = pass.Batch;
        Device device = batch.Positions.device;
        int length = batch.Segments.Max(segment => segment.Past + segment.Length), kind = rotary.Scaling.Kind(length);
        // [positions] -> [positions, 1, dimensions / 2]
        Tensor Compute(Tensor positions, Func<Tensor, Tensor> function) =>
            function(positions.unsqueeze(1).mul(tensor(rotary.Frequencies(length), device: device))).mul(rotary.AttentionFactor).to(type).unsqueeze(1);
        if (kind > MostKeptKind)
        {
            Tensor positions = batch.Positions.to(ScalarType.Float32);
            return new(Compute(positions, cos), Compute(positions, sin), OfAllPositions: false);
        }
        long count = (long)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length);
        Tensor Kept(string name, Func<Tensor, Tensor> function) => pass.Shared.Get(
            (rotary, name, count, kind, type, (batch.Positions.device_type, batch.Positions.device_index)), () => Compute(arange(count, ScalarType.Float32, device), function));
        return new(Kept("cos", cos), Kept("sin", sin), OfAllPositions: true);
    }
}

/// <summary>Cosine and sine of angles, [rows, 1, dimensions / 2] each.</summary>
/// <param name="OfAllPositions">A row for each position from 0 on; else one for each token of the batch.</param>
internal readonly record struct RotaryTables(Tensor Cos, Tensor Sin, bool OfAllPositions)
{
    public int Row(Segment segment, int token) => (OfAllPositions ? segment.Past : segment.Start) + token;
}
