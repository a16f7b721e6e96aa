using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lema.Web.RunFiles;

/// <summary>YAML nodes as JSON and back. Plain scalars are read as numbers, booleans or null where they look so; quoted ones are text.</summary>
internal static partial class YamlJson
{
    public static YamlNode ToYaml(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => new YamlMappingNode(json.EnumerateObject().SelectMany(property => new[] { new YamlScalarNode(property.Name), ToYaml(property.Value) })),
        JsonValueKind.Array => new YamlSequenceNode(json.EnumerateArray().Select(ToYaml)) { Style = YamlDotNet.Core.Events.SequenceStyle.Flow },
        // Protobuf's JSON writes 64-bit integers as text.
        JsonValueKind.String => Text(json.GetString()!),
        _ => new YamlScalarNode(json.GetRawText()),
    };

    public static JsonObject ToJson(YamlMappingNode mapping)
    {
        JsonObject json = [];
        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            string name = key is YamlScalarNode { Value: { } text } ? text : throw new RunFileException($"Line {key.Start.Line}: a key is a word.");
            if (json.ContainsKey(name)) throw new RunFileException($"Line {key.Start.Line}: {name} stands there twice.");
            json[name] = ToJson(value);
        }
        return json;
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => ToJson(mapping),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain } scalar => Plain(scalar.Value ?? ""),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => throw new RunFileException($"Line {node.Start.Line}: a value, a list or a mapping is expected."),
    };

    private static JsonNode? Plain(string text)
    {
        if (text is "" or "~" or "null") return null;
        if (text is "true" or "false") return JsonValue.Create(text == "true");
        if (Size().Match(text) is { Success: true } size) return JsonValue.Create(Bytes(size));
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole)) return JsonValue.Create(whole);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? JsonValue.Create(number)
            : JsonValue.Create(text);
    }

    /// <summary>Quoted where it would be read as something else, but for whole numbers, which are numbers.</summary>
    private static YamlScalarNode Text(string text)
    {
        bool readAsItself = Plain(text) is JsonValue value && value.GetValueKind() is JsonValueKind.String;
        bool isInteger = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
        return new(text) { Style = readAsItself || isInteger ? ScalarStyle.Any : ScalarStyle.DoubleQuoted };
    }

    private static long Bytes(Match size)
    {
        double unit = size.Groups[2].Value switch { "KiB" => 1 << 10, "MiB" => 1 << 20, "GiB" => 1 << 30, "TiB" => 1L << 40, _ => 1 };
        return (long)(double.Parse(size.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * unit);
    }

    [GeneratedRegex(@"^(\d+(?:\.\d+)?)\s?(KiB|MiB|GiB|TiB)$")]
    private static partial Regex Size();
}
