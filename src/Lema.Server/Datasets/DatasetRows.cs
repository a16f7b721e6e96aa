using System.Text.Json;
using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;

namespace Lema.Server.Datasets;

/// <param name="Line">Of the file, from 1; the row where the format has no lines.</param>
/// <param name="Tokens">Null when it was not tokenized.</param>
/// <param name="Problem">Why the row cannot be used.</param>
internal sealed record DatasetRow(long Line, TokenizedRow? Tokens, InvalidInputException? Problem);

/// <summary>The rows of a dataset file, one after another.</summary>
internal static class DatasetRows
{
    /// <param name="tokenizer">Null: rows are read but not tokenized.</param>
    /// <param name="wanted">Which rows to tokenize, by index from 0; null: all.</param>
    public static IEnumerable<DatasetRow> Read(string file, Tokenizer? tokenizer, Func<long, bool>? wanted = null) =>
        file.EndsWith(".safetensors", StringComparison.Ordinal) ? ReadTensors(file) : ReadJsonLines(file, tokenizer, wanted ?? (_ => true));

    private static IEnumerable<DatasetRow> ReadTensors(string file)
    {
        using PretokenizedData data = PretokenizedData.Open(file);
        long row = 0;
        for (int step = 0; step < data.Steps; step++)
            for (int microBatch = 0; microBatch < data.MicroBatches; microBatch++)
                foreach (TokenizedRow tokens in data.MicroBatch(step, microBatch)) yield return new DatasetRow(++row, tokens, null);
    }

    private static IEnumerable<DatasetRow> ReadJsonLines(string file, Tokenizer? tokenizer, Func<long, bool> wanted)
    {
        long line = 0, index = 0;
        foreach (string text in File.ReadLines(file))
        {
            line++;
            if (string.IsNullOrWhiteSpace(text)) continue;
            yield return Parse(text, line, wanted(index++) ? tokenizer : null);
        }
    }

    private static DatasetRow Parse(string text, long line, Tokenizer? tokenizer)
    {
        try
        {
            using JsonDocument row = JsonDocument.Parse(text);
            string prompt = Field(row, "prompt"), completion = Field(row, "completion");
            return new DatasetRow(line, tokenizer is null ? null : TokenizedRow.FromPair(tokenizer, prompt, completion), null);
        }
        catch (InvalidInputException problem)
        {
            return new DatasetRow(line, null, problem);
        }
        catch (JsonException error)
        {
            return new DatasetRow(line, null, new InvalidInputException("dataset", "", $"is no JSON: {error.Message}", error));
        }
    }

    private static string Field(JsonDocument row, string name) =>
        row.RootElement.ValueKind == JsonValueKind.Object && row.RootElement.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : throw new InvalidInputException("dataset", name, "is missing or no string.");
}
