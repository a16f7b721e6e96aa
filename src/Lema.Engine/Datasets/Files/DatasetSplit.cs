using System.Text.Encodings.Web;
using System.Text.Json;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Files;

/// <summary>Divides the rows of a dataset file into those that are trained on and those held out, as JSON Lines in the order of the file.</summary>
/// <param name="Share">Share of the rows, or of the keys, that is held out; between 0 and 1.</param>
/// <param name="Key">Field whose value keeps rows together on one side; null: by row.</param>
public sealed record DatasetSplit(double Share, int Seed, string? Key)
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="InvalidInputException">A row cannot be read or has no key, or one of the parts would be empty.</exception>
    public void Write(string file, string trainFile, string heldOutFile)
    {
        IReadOnlySet<int> rows = Key is null ? RowSplit.HeldOutRows(DatasetFile.Read(file).Count(), Share, Seed) : new HashSet<int>();
        long[] written = [0, 0];
        using FileStream train = File.Create(trainFile), heldOut = File.Create(heldOutFile);
        foreach ((int index, RawRow row) in DatasetFile.Read(file).Index())
        {
            JsonElement value = row.Value ?? throw row.Problem!;
            bool held = Key is null ? rows.Contains(index) : RowSplit.IsHeldOut(KeyOf(file, row.Line, value, Key), Share, Seed);
            Append(held ? heldOut : train, value);
            written[held ? 1 : 0]++;
        }
        if (written.Contains(0)) throw new InvalidInputException(file, Key ?? "", $"cannot be divided: {written[0]} rows would be trained on and {written[1]} held out. Choose another share, seed or key.");
    }

    private static void Append(FileStream file, JsonElement row)
    {
        using (Utf8JsonWriter json = new(file, Compact)) row.WriteTo(json);
        file.Write("\n"u8);
    }

    private static string KeyOf(string file, long line, JsonElement row, string key)
    {
        if (!row.TryGetProperty(key, out JsonElement value)) throw new InvalidInputException(file, $"line {line}: {key}", "is missing: every row needs the key by which the dataset is divided.");
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
    }
}
