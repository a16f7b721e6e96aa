using System.Text.Json;
using Lema.Engine.Errors;
using Lema.Engine.Storage;

namespace Lema.Engine.Datasets.Tokenizers;

/// <summary>A value of a JSON file that knows its file and its place in it, so that every complaint about it can name both.</summary>
internal readonly record struct JsonPart(JsonElement Value, string File, string Place)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public static JsonPart Read(string file)
    {
        try
        {
            using JsonDocument document = JsonText.Parse(System.IO.File.ReadAllBytes(file), Strict);
            return new JsonPart(document.RootElement.Clone(), file, "");
        }
        catch (JsonException problem)
        {
            throw new InvalidInputException(file, $"line {problem.LineNumber + 1}", $"is not valid JSON: {problem.Message}", problem);
        }
        catch (IOException problem)
        {
            throw new StorageException(file, 0, problem.Message, problem);
        }
    }

    public bool IsNull => Value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>The named field; a null part where it is missing.</summary>
    public JsonPart this[string name]
    {
        get
        {
            string place = Place.Length == 0 ? name : $"{Place}.{name}";
            if (IsNull) return new JsonPart(default, File, place);
            if (Value.ValueKind != JsonValueKind.Object) throw Invalid("must be an object.");
            return new JsonPart(Value.TryGetProperty(name, out JsonElement field) ? field : default, File, place);
        }
    }

    public IEnumerable<JsonPart> Items()
    {
        if (Value.ValueKind != JsonValueKind.Array) throw Invalid("must be an array.");
        string file = File, place = Place;
        return Value.EnumerateArray().Select((item, index) => new JsonPart(item, file, $"{place}[{index}]"));
    }

    public IEnumerable<(string Name, JsonPart Value)> Fields()
    {
        if (Value.ValueKind != JsonValueKind.Object) throw Invalid("must be an object.");
        string file = File, place = Place;
        return Value.EnumerateObject().Select(field => (field.Name, new JsonPart(field.Value, file, $"{place}.{field.Name}")));
    }

    public string Text(string? otherwise = null) => Value.ValueKind == JsonValueKind.String ? Value.GetString()!
        : IsNull && otherwise is not null ? otherwise
        : throw Invalid("must be a string.");

    public bool Flag(bool otherwise) => Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ when IsNull => otherwise,
        _ => throw Invalid("must be true or false."),
    };

    public int Number(int? otherwise = null) => Value.ValueKind == JsonValueKind.Number && Value.TryGetInt32(out int number) && number >= 0 ? number
        : IsNull && otherwise is { } given ? given
        : throw Invalid("must be a whole number from 0 to 2,147,483,647.");

    public char Character(char otherwise) => IsNull ? otherwise
        : Text() is { Length: 1 } text ? text[0]
        : throw Invalid("must be one character.");

    public InvalidInputException Invalid(string problem) => new(File, Place, problem);

    /// <summary>The error for a component whose <c>type</c> this program does not know.</summary>
    public InvalidInputException Unsupported(string kind) =>
        new(File, Place, $"{kind} '{this["type"].Text()}' is not supported. Use a tokenizer without it.");
}
