namespace Lema.Cli.RunExports;

/// <summary>CRC-32C (Castagnoli), and the masked form that TFRecord files store.</summary>
internal static class Crc32C
{
    private const uint Polynomial = 0x82F63B78;

    private static readonly uint[] Table = MakeTable();

    public static uint Compute(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data) crc = Table[(byte)(crc ^ value)] ^ crc >> 8;
        return ~crc;
    }

    /// <summary>Rotated right by 15 bits plus a constant, as tensorflow/core/lib/hash/crc32c.h defines it.</summary>
    public static uint Masked(ReadOnlySpan<byte> data)
    {
        uint crc = Compute(data);
        return unchecked((crc >> 15 | crc << 17) + 0xA282EAD8);
    }

    private static uint[] MakeTable()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++) value = (value & 1) == 1 ? value >> 1 ^ Polynomial : value >> 1;
            table[i] = value;
        }
        return table;
    }
}
