using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Lema.Engine.Storage;

/// <summary>
/// JSON from outside. System.Text.Json looks at the text of a string only when somebody asks for it, and then fails with an untyped error; here text that is no Unicode is
/// refused at once.
/// </summary>
public static class JsonText
{
    /// <exception cref="JsonException">The text is not valid JSON, not valid UTF-8, or holds an escape of half a character.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> text, JsonDocumentOptions options)
    {
        if (!Utf8.IsValid(text.Span)) throw new JsonException("The text is not valid UTF-8.", null, null, FirstInvalid(text.Span));
        if (text.Span.IndexOf("\\u"u8) >= 0) CheckEscapes(text.Span, options);
        return JsonDocument.Parse(text, options);
    }

    private static void CheckEscapes(ReadOnlySpan<byte> text, JsonDocumentOptions options)
    {
        Utf8JsonReader reader = new(text, new JsonReaderOptions { MaxDepth = options.MaxDepth, AllowTrailingCommas = options.AllowTrailingCommas, CommentHandling = options.CommentHandling });
        while (reader.Read())
        {
            if (!reader.ValueIsEscaped) continue;
            try
            {
                _ = reader.GetString();
            }
            catch (InvalidOperationException half)
            {
                throw new JsonException("An escape stands for half a character.", null, null, reader.TokenStartIndex, half);
            }
        }
    }

    private static long FirstInvalid(ReadOnlySpan<byte> text)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(text[at..], out _, out int length) == OperationStatus.Done) at += length;
        return at;
    }
}
