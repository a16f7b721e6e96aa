using System.Text.Encodings.Web;
using System.Text.Json;
using Lema.Engine.Errors;
using Lema.Engine.Storage;

namespace Lema.Engine.Datasets.Replies;

/// <summary>Writes the rows of <see cref="ReplyRowGenerator"/> as JSON Lines.</summary>
public static class ReplyDatasetBuilder
{
    public const string TrainFile = "train.jsonl";
    public const string HeldOutFile = "heldout.jsonl";

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Makes <paramref name="folder"/> with <see cref="TrainFile"/> and <see cref="HeldOutFile"/>, whole or not at all. A row has <c>prompt</c> and
    /// <c>completion</c> (what is trained on; the tokenizer's end-of-text token follows the completion), <c>question</c> and <c>expected</c> (what an
    /// evaluation asks and looks for), and what it was made from: <c>answer</c>, <c>explanation</c>, <c>confidence</c>, <c>relation</c>, <c>subject</c>.
    /// </summary>
    /// <exception cref="InvalidInputException">The folder is not empty, the options are out of range, or the facts make too few rows.</exception>
    /// <exception cref="StorageException">The disk is full, or the operating system refused a write.</exception>
    public static ReplyRows Build(string folder, ReplyDatasetOptions options, FactBase? facts = null)
    {
        ReplyRows rows = ReplyRowGenerator.Generate(facts ?? FactBase.BuiltIn, options);
        AtomicFolder.Create(folder, temporary =>
        {
            Write(Path.Combine(temporary, TrainFile), rows.Train);
            Write(Path.Combine(temporary, HeldOutFile), rows.HeldOut);
        });
        return rows;
    }

    private static void Write(string path, IReadOnlyList<ReplyRow> rows)
    {
        using FileStream file = File.Create(path);
        foreach (ReplyRow row in rows)
        {
            using (Utf8JsonWriter json = new(file, Compact)) WriteRow(json, row);
            file.Write("\n"u8);
        }
    }

    private static void WriteRow(Utf8JsonWriter json, ReplyRow row)
    {
        ReplyFormat format = ReplyFormat.Lema;
        json.WriteStartObject();
        json.WriteString("prompt", format.Prompt(row.Question));
        json.WriteString("completion", format.Render([row.Answer, row.Explanation, row.Confidence]));
        json.WriteString("question", row.Question);
        json.WriteString("expected", row.Expected);
        json.WriteString("answer", row.Answer);
        json.WriteString("explanation", row.Explanation);
        json.WriteString("confidence", row.Confidence);
        json.WriteString("relation", row.Relation);
        json.WriteString("subject", row.Subject);
        json.WriteEndObject();
    }
}
