using System.Numerics;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Additive masks of causal attention. Whether a query sees a key depends on their distance alone, so the mask of any chunk is a window of one matrix, and what a job keeps
/// does not grow with the number of different lengths that it meets.
/// </summary>
internal static class CausalMask
{
    /// <summary>[count, size] of 0 and minus infinity; query i stands at key index <paramref name="offset"/> + i. A view of a tensor that <paramref name="shared"/> keeps.</summary>
    /// <param name="window">Keys that a query sees, itself included; null: all up to itself.</param>
    public static Tensor Of(PassConstants shared, long count, long size, long offset, int? window, ScalarType type, Device device)
    {
        // In the matrix query i stands at key index diagonal + i.
        long rows = Up(count), diagonal = offset <= 0 ? 0 : Up(offset), first = diagonal - offset, columns = Up(first + size);
        Tensor matrix = shared.Get((nameof(CausalMask), rows, columns, diagonal, window, type, device.ToString()), () => Matrix(rows, columns, diagonal, window, type, device));
        return matrix.narrow(0, 0, count).narrow(1, first, size);
    }

    private static Tensor Matrix(long rows, long columns, long diagonal, int? window, ScalarType type, Device device)
    {
        Tensor distance = arange(0, columns, ScalarType.Int64, device).unsqueeze(0).sub(arange(diagonal, diagonal + rows, ScalarType.Int64, device).unsqueeze(1));
        Tensor hidden = distance.gt(0);
        if (window is { } seen) hidden = hidden.logical_or(distance.le(-seen));
        return zeros([rows, columns], type, device).masked_fill_(hidden, float.NegativeInfinity);
    }

    private static long Up(long value) => (long)BitOperations.RoundUpToPowerOf2((ulong)value);
}
