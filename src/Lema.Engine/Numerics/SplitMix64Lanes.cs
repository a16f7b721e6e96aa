using System.Runtime.Intrinsics;

namespace Lema.Engine.Numerics;

/// <summary>Eight numbers of a <see cref="SplitMix64"/> at a time, in its order.</summary>
internal struct SplitMix64Lanes(SplitMix64 first)
{
    public const int Count = 8;

    private Vector512<ulong> _state = Vector512.Create(first.State) + (Vector512<ulong>.Indices + Vector512<ulong>.One) * SplitMix64.Increment;

    /// <summary>A bit for each of the next eight numbers, the first in the lowest: whether it is below a bound.</summary>
    public uint NextBelow(ulong bound)
    {
        Vector512<ulong> z = _state;
        _state += Vector512.Create(unchecked(Count * SplitMix64.Increment));
        z = (z ^ (z >>> 30)) * Vector512.Create(SplitMix64.FirstFactor);
        z = (z ^ (z >>> 27)) * Vector512.Create(SplitMix64.SecondFactor);
        z ^= z >>> 31;
        return (uint)Vector512.LessThan(z, Vector512.Create(bound)).ExtractMostSignificantBits();
    }
}
