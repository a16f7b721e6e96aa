using System.Text;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Decoders;

/// <summary>Byte-level tokens back to bytes, and all bytes together to UTF-8.</summary>
internal sealed class ByteLevelDecoder : TokenDecoder
{
    public override List<string> Decode(List<string> tokens)
    {
        List<byte> bytes = [];
        foreach (string token in tokens) bytes.AddRange(BytesOf(token));
        return [Encoding.UTF8.GetString(bytes.ToArray())];
    }

    public override DecoderStage Stream() => new Stage();

    // A token with a character outside the map (an added token with a space, say) is plain text.
    private static byte[] BytesOf(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int index = 0; index < token.Length; index++)
        {
            int value = ByteCharacters.ByteOf(token[index]);
            if (value < 0) return Encoding.UTF8.GetBytes(token);
            bytes[index] = (byte)value;
        }
        return bytes;
    }

    private sealed class Stage : DecoderStage
    {
        private readonly PendingUtf8 _pending = new();

        public override void Append(string part, Action<string> next) => next(_pending.Append(BytesOf(part)));

        public override void Flush(Action<string> next) => next(_pending.Flush());
    }
}
