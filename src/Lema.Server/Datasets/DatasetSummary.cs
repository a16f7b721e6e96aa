using System.Text.Json;
using Lema.Engine.Errors;
using Lema.Engine.Weights;

namespace Lema.Server.Datasets;

/// <summary>What a dataset file is, told from its start: its format, and how many rows there are.</summary>
internal sealed record DatasetSummary(string Format, long Rows)
{
    /// <summary>Endings of dataset files that are taken.</summary>
    public static readonly IReadOnlyList<string> Endings = [".jsonl", ".safetensors"];

    private static readonly (string Field, string Format)[] FormatsByField =
    [
        ("input_ids", "pre-tokenized"), ("messages", "messages"), ("conversations", "sharegpt"), ("prompt", "prompt-completion"), ("instruction", "alpaca"),
        ("question", "questions"), ("text", "text"),
    ];

    /// <exception cref="InvalidInputException">The file is no dataset.</exception>
    public static DatasetSummary Read(string file, string ending) => ending switch
    {
        ".jsonl" => ReadJsonLines(file),
        ".safetensors" => ReadTensors(file),
        _ => throw new InvalidInputException("request", "file_name", $"'{ending}' is no ending of a dataset file. Taken are {string.Join(", ", Endings)}."),
    };

    private static DatasetSummary ReadJsonLines(string file)
    {
        long rows = 0;
        string? first = null;
        foreach (string line in File.ReadLines(file))
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            first ??= line;
            rows++;
        }
        if (first is null) throw new InvalidInputException("dataset", "", "the file has no rows.");
        return new DatasetSummary(FormatOf(first), rows);
    }

    private static string FormatOf(string row)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(row);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                foreach ((string field, string format) in FormatsByField)
                    if (document.RootElement.TryGetProperty(field, out _)) return format;
        }
        catch (JsonException error)
        {
            throw new InvalidInputException("dataset", "line 1", $"is no JSON: {error.Message}", error);
        }
        throw new InvalidInputException("dataset", "line 1", $"is no known row: an object with one of the fields {string.Join(", ", FormatsByField.Select(f => f.Field))} is expected.");
    }

    private static DatasetSummary ReadTensors(string file)
    {
        SafetensorsHeader header = SafetensorsHeader.Read(file);
        SafetensorsTensor ids = header.Tensors.FirstOrDefault(tensor => tensor.Name == "input_ids")
            ?? throw new InvalidInputException("dataset", "input_ids", "is missing; a pre-tokenized dataset has input_ids, attention_mask and labels.");
        return new DatasetSummary("pre-tokenized", ids.Shape.SkipLast(1).Aggregate(1L, (product, size) => product * size));
    }
}
