namespace Lema.Engine.Numerics;

/// <summary>SplitMix64 (Steele, Lea and Flood 2014): a generator whose whole state is one number, the same on every machine and version of .NET.</summary>
public struct SplitMix64(ulong seed)
{
    internal const ulong Increment = 0x9E3779B97F4A7C15, FirstFactor = 0xBF58476D1CE4E5B9, SecondFactor = 0x94D049BB133111EB;
    private ulong _state = seed;

    internal readonly ulong State => _state;

    /// <summary>One seed out of a name and several numbers.</summary>
    public static ulong Seed(string name, params ReadOnlySpan<int> numbers)
    {
        ulong state = Increment;
        foreach (char c in name) state = Mix(state ^ c);
        foreach (int number in numbers) state = Mix(state ^ (uint)number);
        return state;
    }

    public ulong Next() => Mix(_state += Increment);

    /// <summary>The generator after this many more numbers, at once.</summary>
    public readonly SplitMix64 Skip(long count) => new(_state + Increment * (ulong)count);

    /// <summary>Uniform in [0, 1) with 24 bits.</summary>
    public float NextSingle() => (Next() >> 40) * (1f / (1 << 24));

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * FirstFactor;
        z = (z ^ (z >> 27)) * SecondFactor;
        return z ^ (z >> 31);
    }
}
