using System.Buffers;
using System.Text;

namespace Lema.Engine.Datasets.Tokenizers.Decoders;

/// <summary>Bytes of a stream until they are whole characters: at most three wait. Each maximal invalid part becomes one U+FFFD.</summary>
internal sealed class PendingUtf8
{
    private readonly List<byte> _bytes = [];

    public bool IsEmpty => _bytes.Count == 0;

    /// <summary>Adds bytes and takes out every character that is complete.</summary>
    public string Append(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        StringBuilder text = new();
        ReadOnlySpan<byte> rest = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes);
        while (rest.Length > 0)
        {
            OperationStatus status = Rune.DecodeFromUtf8(rest, out Rune rune, out int used);
            if (status == OperationStatus.NeedMoreData) break;
            text.Append(rune.ToString());
            rest = rest[used..];
        }
        _bytes.RemoveRange(0, _bytes.Count - rest.Length);
        return text.ToString();
    }

    /// <summary>What is left, as U+FFFD.</summary>
    public string Flush()
    {
        string text = Encoding.UTF8.GetString([.. _bytes]);
        _bytes.Clear();
        return text;
    }
}
