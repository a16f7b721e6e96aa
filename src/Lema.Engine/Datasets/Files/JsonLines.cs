using System.Text.Json;
using Lema.Engine.Errors;
using Lema.Engine.Storage;

namespace Lema.Engine.Datasets.Files;

/// <summary>JSON Lines: one object a line; blank lines are skipped.</summary>
internal static class JsonLines
{
    internal static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    public static IEnumerable<RawRow> Read(string path, Func<Stream> open)
    {
        using LineReader reader = new(open());
        while (reader.TryRead(out ReadOnlyMemory<byte> line, out bool tooLong))
        {
            if (tooLong) yield return Failed(path, reader.Line, $"the line has more than {LineReader.LongestLineBytes} bytes. Split the row.");
            else if (!line.Span.Trim(" \t\r"u8).IsEmpty) yield return Parse(path, reader.Line, line);
        }
    }

    /// <summary>How many rows a file has, without parsing them.</summary>
    public static int Count(string path)
    {
        using LineReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan));
        int count = 0;
        while (reader.TryRead(out ReadOnlyMemory<byte> line, out bool tooLong))
        {
            if (tooLong || !line.Span.Trim(" \t\r"u8).IsEmpty) count++;
        }
        return count;
    }

    public static RawRow Parse(string path, long line, ReadOnlyMemory<byte> text)
    {
        try
        {
            using JsonDocument document = JsonText.Parse(text, Options);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return Failed(path, line, $"is a JSON {document.RootElement.ValueKind.ToString().ToLowerInvariant()}, not an object.");
            return new RawRow(line, document.RootElement.Clone(), null);
        }
        catch (JsonException problem)
        {
            return Failed(path, line, JsonFault.Of(problem), problem);
        }
    }

    public static RawRow Failed(string path, long line, string problem, Exception? inner = null) =>
        new(line, null, new InvalidInputException(path, $"line {line}", problem, inner));
}
