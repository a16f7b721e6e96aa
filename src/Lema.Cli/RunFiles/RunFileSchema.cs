using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Lema.Protocol.V1;

namespace Lema.Cli.RunFiles;

/// <summary>The JSON schema of run files, made from the messages themselves, for completion and checks in editors.</summary>
internal static class RunFileSchema
{
    public const string FileName = "lema-run.schema.json";

    private static readonly JsonSerializerOptions OneLine = new() { NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new(OneLine) { WriteIndented = true };

    public static string Write(bool indented = true)
    {
        JsonObject root = Section(RunSettings.Descriptor, "");
        JsonObject properties = (JsonObject)root["properties"]!;
        int at = 0;
        foreach ((string key, string description) in new[]
        {
            (RunFile.NameKey, "Name of the run; one is made up when it is left out."),
            (RunFile.ModelKey, "Name of a model of the host."),
            (RunFile.DatasetKey, "Name of a dataset of the host."),
            (RunFile.EvaluationDatasetKey, "Dataset of held-out rows for the evaluations; left out: the one that belongs to the dataset."),
        })
        {
            properties.Insert(at++, key, new JsonObject { ["type"] = "string", ["description"] = description });
        }
        root.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        root.Insert(1, "title", "Lema run file");
        return root.ToJsonString(indented ? Indented : OneLine) + "\n";
    }

    private static JsonObject Section(MessageDescriptor type, string prefix)
    {
        JsonObject properties = [];
        foreach (FieldDescriptor field in type.Fields.InFieldNumberOrder())
        {
            RunFileKey key = RunFileKey.All.First(k => k.Name == prefix + field.JsonName);
            JsonObject property = key.IsSection ? Section(field.MessageType, key.Name + ".") : Value(field);
            if (!key.IsSection && RunFileRange.Of(key.Name) is { } range) range.AddTo(property);
            property["description"] = key.Description;
            properties[field.JsonName] = property;
        }
        return new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
    }

    private static JsonObject Value(FieldDescriptor field)
    {
        if (field.IsMap) return new JsonObject { ["type"] = "object", ["additionalProperties"] = Single(field.MessageType.FindFieldByNumber(2)) };
        if (RunFileKey.IsReplyFormat(field)) return new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "string" }, Single(field)) };
        if (!field.IsRepeated) return Single(field);
        return new JsonObject { ["anyOf"] = new JsonArray(Single(field), new JsonObject { ["type"] = "array", ["items"] = Single(field) }) };
    }

    /// <summary>A message whose keys have no descriptions of their own.</summary>
    private static JsonObject Plain(MessageDescriptor type) => new()
    {
        ["type"] = "object",
        ["additionalProperties"] = false,
        ["properties"] = new JsonObject(type.Fields.InFieldNumberOrder().Select(field => KeyValuePair.Create(field.JsonName, (JsonNode?)Value(field)))),
    };

    private static JsonObject Single(FieldDescriptor field)
    {
        FieldDescriptor value = RunFileScalar.Unwrap(field);
        return value.FieldType switch
        {
            FieldType.Bool => new JsonObject { ["type"] = "boolean" },
            FieldType.Double or FieldType.Float => new JsonObject { ["type"] = "number" },
            FieldType.Enum => new JsonObject { ["enum"] = new JsonArray([.. RunFileScalar.Names(value.EnumType).Select(n => (JsonNode)n)]) },
            FieldType.String => new JsonObject { ["type"] = "string" },
            FieldType.Message => Plain(value.MessageType),
            _ when RunFileScalar.IsBytes(field) => new JsonObject { ["type"] = new JsonArray("integer", "string"), ["pattern"] = "^[0-9][0-9_.]* ?([KMGT]i?B)?$" },
            _ => new JsonObject { ["type"] = "integer" },
        };
    }
}
