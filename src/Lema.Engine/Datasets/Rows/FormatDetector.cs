using System.Text.Json;
using Lema.Engine.Datasets.Files;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Rows;

/// <summary>Tells the format of a dataset from the fields of its first rows.</summary>
public static class FormatDetector
{
    private const int RowsLookedAt = 20;

    // In this order: a row may have more fields than its format needs.
    private static readonly (RowFormat Format, string[] Fields)[] Signs =
    [
        (RowFormat.Messages, ["messages"]),
        (RowFormat.ShareGpt, ["conversations"]),
        (RowFormat.PromptCompletion, ["prompt", "completion"]),
        (RowFormat.Alpaca, ["instruction", "output"]),
        (RowFormat.Questions, ["question", "answer"]),
        (RowFormat.Text, ["text"]),
        // The other fields are those of a reply format that a run may name later.
        (RowFormat.Questions, ["question"]),
    ];

    /// <exception cref="InvalidInputException">The file has no rows, or no format fits the first of them.</exception>
    public static DetectedFormat Detect(string file) => Detect(file, DatasetFile.Read(file));

    public static DetectedFormat Detect(string file, IEnumerable<RawRow> rows)
    {
        RawRow[] first = [.. rows.Take(RowsLookedAt)];
        if (first.Length == 0) throw new InvalidInputException(file, "", "has no rows.");
        JsonElement[] readable = [.. first.Select(row => row.Value).OfType<JsonElement>()];
        if (readable.Length == 0) throw first[0].Problem!;
        foreach ((RowFormat format, string[] fields) in Signs)
        {
            int having = readable.Count(row => fields.All(field => row.TryGetProperty(field, out _)));
            if (having > 0 && having * 2 >= readable.Length)
            {
                string which = readable.Length == 1 ? "the first row has" : $"{having} of the first {readable.Length} rows have";
                return new DetectedFormat(format, $"{which} {string.Join(" and ", fields.Select(field => $"'{field}'"))}");
            }
        }
        string found = string.Join(", ", readable[0].EnumerateObject().Select(field => $"'{field.Name}'").Take(10));
        string known = string.Join("; ", Signs.Select(sign => string.Join(" and ", sign.Fields)));
        throw new InvalidInputException(file, "line 1", $"the fields {found} are of no known format. Known are rows with: {known}.");
    }
}
