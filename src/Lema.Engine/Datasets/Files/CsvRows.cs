using System.Globalization;
using System.Text;
using System.Text.Json;
using CsvHelper;
using CsvHelper.Configuration;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Files;

/// <summary>CSV with a header row (RFC 4180); every field is a string.</summary>
internal static class CsvRows
{
    private const int LongestFieldCharacters = 64 << 20;

    public static IEnumerable<RawRow> Read(string path, Func<Stream> open, string delimiter)
    {
        CsvConfiguration configuration = new(CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter, MaxFieldSize = LongestFieldCharacters, IgnoreBlankLines = true, BadDataFound = null, MissingFieldFound = null,
        };
        using StreamReader text = new(open(), new UTF8Encoding(false, throwOnInvalidBytes: true));
        using CsvParser parser = new(text, configuration);
        if (!Next(path, parser)) yield break;
        string[] header = parser.Record!;
        if (header.Distinct(StringComparer.Ordinal).Count() != header.Length) throw new InvalidInputException(path, "line 1", "names a column twice.");
        while (Next(path, parser))
        {
            string[] record = parser.Record!;
            yield return record.Length == header.Length
                ? new RawRow(parser.RawRow, Object(header, record), null)
                : JsonLines.Failed(path, parser.RawRow, $"has {record.Length} fields, the header has {header.Length}.");
        }
    }

    private static bool Next(string path, CsvParser parser)
    {
        try
        {
            return parser.Read();
        }
        catch (Exception problem) when (problem is DecoderFallbackException or CsvHelperException)
        {
            throw new InvalidInputException(path, $"line {parser.RawRow}", problem is DecoderFallbackException ? "is not valid UTF-8." : problem.Message, problem);
        }
    }

    private static JsonElement Object(string[] header, string[] record) =>
        JsonSerializer.SerializeToElement(header.Zip(record).ToDictionary(field => field.First, field => field.Second));
}
