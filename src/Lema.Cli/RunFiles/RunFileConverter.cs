using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Lema.Cli.Help;
using YamlDotNet.RepresentationModel;

namespace Lema.Cli.RunFiles;

/// <summary>
/// Turns a YAML tree into the protobuf JSON of a message: camelCase keys of the message's fields, enum values by their short names
/// (<c>cosine</c>), one value where a list is expected. Every problem is collected before it speaks.
/// </summary>
internal sealed class RunFileConverter(RunFileSource source, IReadOnlyCollection<string> siblings, List<RunFileProblem> problems)
{
    /// <param name="siblings">Keys beside those of the message, which are passed over.</param>
    /// <param name="problems">Gets the unknown keys and the values of another type; they are left out of the JSON.</param>
    public static JsonObject Convert(RunFileSource source, MessageDescriptor type, IReadOnlyCollection<string> siblings, List<RunFileProblem> problems) =>
        new RunFileConverter(source, siblings, problems).Message(source.Root, type, "");

    private JsonObject Message(YamlMappingNode mapping, MessageDescriptor type, string path)
    {
        JsonObject json = [];
        foreach ((YamlNode keyNode, YamlNode value) in mapping.Children)
        {
            string name = keyNode is YamlScalarNode { Value: { } text } ? text : "";
            if (path.Length == 0 && siblings.Contains(name)) continue;
            string key = path.Length == 0 ? name : $"{path}.{name}";
            FieldDescriptor? field = type.Fields.InFieldNumberOrder().FirstOrDefault(f => f.JsonName == name);
            if (field is null) Report(keyNode, key, UnknownKey(name, type, path.Length == 0 ? siblings : []));
            else if (Field(value, field, key) is { } converted) json[name] = converted;
        }
        return json;
    }

    private JsonNode? Field(YamlNode value, FieldDescriptor field, string key)
    {
        if (RunFileScalar.IsNull(value)) return null;
        if (field.IsMap) return Map(value, field, key);
        if (!field.IsRepeated) return Single(value, field, key);
        if (value is not YamlSequenceNode sequence) return Single(value, field, key) is { } one ? new JsonArray(one) : null;
        JsonArray items = [];
        foreach (YamlNode item in sequence.Children)
        {
            if (Single(item, field, $"{key}[{items.Count}]") is { } converted) items.Add(converted);
        }
        return items;
    }

    private JsonObject? Map(YamlNode value, FieldDescriptor field, string key)
    {
        if (value is not YamlMappingNode mapping)
        {
            Report(value, key, "expected a mapping of names to values");
            return null;
        }
        FieldDescriptor item = field.MessageType.FindFieldByNumber(2);
        JsonObject json = [];
        foreach ((YamlNode name, YamlNode entry) in mapping.Children)
        {
            string text = name is YamlScalarNode { Value: { } scalar } ? scalar : "";
            if (Single(entry, item, $"{key}.{text}") is { } converted) json[text] = converted;
        }
        return json;
    }

    private JsonNode? Single(YamlNode value, FieldDescriptor field, string key)
    {
        if (field.FieldType == FieldType.Message && !RunFileScalar.IsWrapper(field.MessageType))
        {
            if (value is YamlMappingNode mapping) return Message(mapping, field.MessageType, key);
            Report(value, key, "expected a mapping of keys to values");
            return null;
        }
        if (value is not YamlScalarNode scalar)
        {
            Report(value, key, $"expected {RunFileScalar.Expected(field)}, not a list or a mapping");
            return null;
        }
        JsonNode? converted = RunFileScalar.Convert(scalar, field);
        if (converted is null) Report(value, key, $"'{scalar.Value}' is not {RunFileScalar.Expected(field)}");
        else if (RunFileRange.Of(key)?.Problem(converted) is { } problem) Report(value, key, problem);
        return converted;
    }

    private static string UnknownKey(string name, MessageDescriptor type, IReadOnlyCollection<string> siblings)
    {
        string[] known = [.. siblings, .. type.Fields.InFieldNumberOrder().Select(f => f.JsonName)];
        return Suggestion.Nearest(name, known) is { } nearest ? $"unknown key; did you mean '{nearest}'?" : $"unknown key; known: {string.Join(", ", known)}";
    }

    private void Report(YamlNode node, string key, string problem) => problems.Add(source.Problem(node, key, problem));
}
