using System.Text.Json;
using Lema.Engine.Errors;
using Lema.Engine.Storage;

namespace Lema.Engine.Datasets.Files;

/// <summary>A JSON file that is one array of objects. It is read whole, so it has a limit; JSON Lines have none.</summary>
internal static class JsonArrayFile
{
    private const int LargestBytes = 256 << 20;

    public static IEnumerable<RawRow> Read(string path, Func<Stream> open)
    {
        using JsonDocument document = Parse(path, open);
        if (document.RootElement.ValueKind != JsonValueKind.Array) throw new InvalidInputException(path, "", "must be an array of objects. Name it .jsonl if it has one object a line.");
        long row = 0;
        foreach (JsonElement item in document.RootElement.EnumerateArray())
        {
            row++;
            yield return item.ValueKind == JsonValueKind.Object
                ? new RawRow(row, item.Clone(), null)
                : new RawRow(row, null, new InvalidInputException(path, $"line {row}", "is not an object."));
        }
    }

    private static JsonDocument Parse(string path, Func<Stream> open)
    {
        using Stream stream = open();
        using MemoryStream whole = new();
        byte[] buffer = new byte[1 << 16];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            whole.Write(buffer, 0, read);
            if (whole.Length > LargestBytes) throw new InvalidInputException(path, "", $"has more than {LargestBytes} bytes; write it as JSON Lines (.jsonl), which are read row by row.");
        }
        try
        {
            return JsonText.Parse(whole.GetBuffer().AsMemory(0, (int)whole.Length), JsonLines.Options);
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException(path, problem.LineNumber is { } line ? $"line {line + 1}" : "", JsonFault.Of(problem), problem);
        }
    }
}
