using System.Text.Json;
using System.Text.Json.Nodes;
using Lema.Engine.Datasets.Files;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Rows;

/// <summary>Reads the fields of a row by the rules of a format.</summary>
/// <param name="file">For error messages.</param>
/// <param name="replies">The format of the replies of <see cref="RowFormat.Questions"/>.</param>
public sealed class RowParser(string file, RowFormat format, ReplyFormat replies)
{
    private static readonly Dictionary<string, string> Speakers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["human"] = "user", ["user"] = "user", ["gpt"] = "assistant", ["assistant"] = "assistant", ["model"] = "assistant", ["chatgpt"] = "assistant", ["bot"] = "assistant",
        ["system"] = "system", ["tool"] = "tool", ["function"] = "tool", ["observation"] = "tool", ["function_response"] = "tool",
    };

    /// <exception cref="InvalidInputException">A field is missing or wrong; file, line and field are named.</exception>
    public DatasetRow Parse(RawRow raw)
    {
        if (raw.Problem is not null) throw raw.Problem;
        JsonElement row = raw.Value!.Value;
        return format switch
        {
            RowFormat.Text => new TextRow(Text(raw, row, "text")),
            RowFormat.PromptCompletion => new PairRow(Text(raw, row, "prompt"), Text(raw, row, "completion")),
            RowFormat.Questions => Question(raw, row),
            RowFormat.Alpaca => Alpaca(raw, row),
            RowFormat.ShareGpt => ShareGpt(raw, row),
            _ => Messages(raw, row),
        };
    }

    private DatasetRow Question(RawRow raw, JsonElement row)
    {
        string question = Text(raw, row, "question"), reply = replies.Render([.. replies.Fields.Select(field => Value(raw, row, field))]);
        return replies.PromptTemplate is null
            ? new ChatRow(JsonSerializer.SerializeToElement(new JsonArray(Message("user", question), Message("assistant", reply))), null)
            : new PairRow(replies.Prompt(question), reply);
    }

    private string Value(RawRow raw, JsonElement row, ReplyField field)
    {
        string name = field.Name.ToLowerInvariant();
        if (!row.TryGetProperty(name, out _)) throw Invalid(raw, name, $"is missing: replies of the format {replies.Name} have a field {field.Name}. Add it, or name the rows' own format as data.replyFormat.");
        return Text(raw, row, name);
    }

    private DatasetRow Alpaca(RawRow raw, JsonElement row)
    {
        string instruction = Text(raw, row, "instruction"), input = Optional(raw, row, "input"), output = Text(raw, row, "output"), system = Optional(raw, row, "system");
        JsonArray messages = [];
        if (system.Length > 0) messages.Add(Message("system", system));
        if (row.TryGetProperty("history", out JsonElement history) && history.ValueKind != JsonValueKind.Null)
        {
            foreach (JsonElement turn in Array(raw, row, "history"))
            {
                bool pair = turn.ValueKind == JsonValueKind.Array && turn.GetArrayLength() == 2 && turn.EnumerateArray().All(side => side.ValueKind == JsonValueKind.String);
                if (!pair) throw Invalid(raw, "history", "must be pairs of a question and an answer.");
                messages.Add(Message("user", turn[0].GetString()!));
                messages.Add(Message("assistant", turn[1].GetString()!));
            }
        }
        messages.Add(Message("user", input.Length > 0 ? $"{instruction}\n{input}" : instruction));
        messages.Add(Message("assistant", output));
        return new ChatRow(JsonSerializer.SerializeToElement(messages), null);
    }

    private ChatRow ShareGpt(RawRow raw, JsonElement row)
    {
        JsonArray messages = [];
        string system = Optional(raw, row, "system");
        if (system.Length > 0) messages.Add(Message("system", system));
        int index = 0;
        foreach (JsonElement turn in Array(raw, row, "conversations"))
        {
            string place = $"conversations[{index++}]";
            if (turn.ValueKind != JsonValueKind.Object) throw Invalid(raw, place, "must be an object.");
            string from = Text(raw, turn, "from", place), value = Text(raw, turn, "value", place);
            if (!Speakers.TryGetValue(from, out string? role)) throw Invalid(raw, $"{place}.from", $"'{from}' is not {string.Join(", ", Speakers.Keys)}.");
            messages.Add(Message(role, value));
        }
        if (messages.Count == 0) throw Invalid(raw, "conversations", "is empty.");
        return new ChatRow(JsonSerializer.SerializeToElement(messages), Tools(raw, row));
    }

    private ChatRow Messages(RawRow raw, JsonElement row)
    {
        int index = 0;
        foreach (JsonElement message in Array(raw, row, "messages"))
        {
            string place = $"messages[{index++}]";
            if (message.ValueKind != JsonValueKind.Object) throw Invalid(raw, place, "must be an object.");
            Text(raw, message, "role", place);
            bool hasContent = message.TryGetProperty("content", out JsonElement content) && content.ValueKind is JsonValueKind.String or JsonValueKind.Array;
            if (!hasContent && !message.TryGetProperty("tool_calls", out _)) throw Invalid(raw, $"{place}.content", "must be a string (or parts), unless the message has tool_calls.");
        }
        if (index == 0) throw Invalid(raw, "messages", "is empty.");
        return new ChatRow(row.GetProperty("messages"), Tools(raw, row));
    }

    private JsonElement? Tools(RawRow raw, JsonElement row)
    {
        if (!row.TryGetProperty("tools", out JsonElement tools) || tools.ValueKind == JsonValueKind.Null) return null;
        return tools.ValueKind == JsonValueKind.Array ? tools.GetArrayLength() > 0 ? tools : null : throw Invalid(raw, "tools", "must be an array.");
    }

    private IEnumerable<JsonElement> Array(RawRow raw, JsonElement row, string name) =>
        row.TryGetProperty(name, out JsonElement field) && field.ValueKind == JsonValueKind.Array ? field.EnumerateArray() : throw Invalid(raw, name, "must be an array.");

    private string Text(RawRow raw, JsonElement row, string name, string within = "")
    {
        string place = within.Length == 0 ? name : $"{within}.{name}";
        if (!row.TryGetProperty(name, out JsonElement field)) throw Invalid(raw, place, "is missing.");
        return field.ValueKind == JsonValueKind.String ? Decoded(raw, field, place) : throw Invalid(raw, place, "must be a string.");
    }

    private string Decoded(RawRow raw, JsonElement field, string place)
    {
        try
        {
            return field.GetString()!;
        }
        catch (InvalidOperationException problem)
        {
            throw Invalid(raw, place, $"is not valid text: {problem.Message}");
        }
    }

    private string Optional(RawRow raw, JsonElement row, string name) =>
        row.TryGetProperty(name, out JsonElement field) && field.ValueKind != JsonValueKind.Null ? Text(raw, row, name) : "";

    private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };

    private InvalidInputException Invalid(RawRow raw, string field, string problem) => new(file, $"line {raw.Line}: {field}", problem);
}
