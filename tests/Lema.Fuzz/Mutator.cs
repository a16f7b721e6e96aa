namespace Lema.Fuzz;

/// <summary>Changes inputs by chance: single bits and bytes, pieces moved, doubled and dropped, pieces of other inputs and of the dictionary.</summary>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> dictionary)
{
    private const int LargestInput = 1 << 16, MostChanges = 6;

    public byte[] Mutate(byte[] input, byte[] other)
    {
        byte[] changed = input;
        for (int i = random.Next(1, MostChanges + 1); i > 0; i--) changed = Once(changed, other);
        return changed.Length <= LargestInput ? changed : changed[..LargestInput];
    }

    private byte[] Once(byte[] input, byte[] other)
    {
        int at = random.Next(input.Length + 1), length = random.Next(Math.Min(input.Length - at, 32) + 1);
        switch (random.Next(8))
        {
            case 0 when at < input.Length:
                return With(input, at, (byte)(input[at] ^ (1 << random.Next(8))));
            case 1 when at < input.Length:
                return With(input, at, (byte)random.Next(256));
            case 2:
                return Splice(input, at, length, []);
            case 3:
                return Splice(input, at, 0, input.AsSpan(at, length));
            case 4:
                int from = random.Next(other.Length + 1);
                return Splice(input, at, length, other.AsSpan(from, random.Next(Math.Min(other.Length - from, 64) + 1)));
            case 5:
                return Splice(input, at, random.Next(2) == 0 ? 0 : length, dictionary[random.Next(dictionary.Count)]);
            case 6:
                return input[..at];
            default:
                byte[] bytes = new byte[random.Next(1, 9)];
                random.NextBytes(bytes);
                return Splice(input, at, 0, bytes);
        }
    }

    private static byte[] With(byte[] input, int at, byte value)
    {
        byte[] copy = [.. input];
        copy[at] = value;
        return copy;
    }

    private static byte[] Splice(byte[] input, int at, int dropped, ReadOnlySpan<byte> inserted) => [.. input.AsSpan(0, at), .. inserted, .. input.AsSpan(at + dropped)];
}
