namespace Lema.Engine.Datasets.Tokenizers.Text;

/// <summary>
/// GPT-2's one-to-one map of bytes to printable characters, in which byte-level vocabularies are written
/// (<c>bytes_to_unicode</c> in openai/gpt-2, encoder.py).
/// </summary>
internal static class ByteCharacters
{
    private static readonly char[] Characters = Map();
    private static readonly short[] Bytes = Reverse();

    public static char Of(byte value) => Characters[value];

    /// <summary>The byte a character stands for, or -1.</summary>
    public static int ByteOf(char character) => character < Bytes.Length ? Bytes[character] : -1;

    private static char[] Map()
    {
        char[] map = new char[256];
        int shifted = 256;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            map[value] = printable ? (char)value : (char)shifted++;
        }
        return map;
    }

    private static short[] Reverse()
    {
        short[] bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int value = 0; value < 256; value++) bytes[Characters[value]] = (short)value;
        return bytes;
    }
}
