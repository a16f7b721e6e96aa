using System.Globalization;
using System.Text;

namespace Lema.Engine.Datasets.Tokenizers.Decoders;

/// <summary>
/// Runs of <c>&lt;0xNN&gt;</c> tokens back to characters. Whole: a run that is not valid UTF-8 is one U+FFFD a byte.
/// Streaming cannot wait for the end of a run: complete characters leave at once and only what cannot be valid becomes U+FFFD.
/// </summary>
internal sealed class ByteFallbackDecoder : TokenDecoder
{
    private static readonly UTF8Encoding Strict = new(false, true);

    public override List<string> Decode(List<string> tokens)
    {
        List<string> decoded = [];
        List<byte> run = [];
        foreach (string token in tokens)
        {
            if (ByteOf(token) is { } value)
            {
                run.Add(value);
                continue;
            }
            if (run.Count > 0) decoded.Add(TextOf(run));
            run.Clear();
            decoded.Add(token);
        }
        if (run.Count > 0) decoded.Add(TextOf(run));
        return decoded;
    }

    public override DecoderStage Stream() => new Stage();

    private static byte? ByteOf(string token) =>
        token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? value : null;

    private static string TextOf(List<byte> run)
    {
        try
        {
            return Strict.GetString([.. run]);
        }
        catch (DecoderFallbackException)
        {
            return new string('\uFFFD', run.Count);
        }
    }

    private sealed class Stage : DecoderStage
    {
        private readonly PendingUtf8 _pending = new();

        public override void Append(string part, Action<string> next)
        {
            if (ByteOf(part) is { } value)
            {
                next(_pending.Append([value]));
                return;
            }
            Flush(next);
            next(part);
        }

        public override void Flush(Action<string> next)
        {
            if (!_pending.IsEmpty) next(_pending.Flush());
        }
    }
}
