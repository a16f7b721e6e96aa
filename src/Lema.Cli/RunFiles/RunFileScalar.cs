using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lema.Cli.RunFiles;

/// <summary>One YAML scalar as the JSON value of one protobuf field.</summary>
internal static class RunFileScalar
{
    private static readonly (string Suffix, long Bytes)[] ByteUnits =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000)];

    public static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    /// <summary>Whether a message is one of google/protobuf/wrappers.proto, whose JSON is the bare value.</summary>
    public static bool IsWrapper(MessageDescriptor type) => type.File.Name == "google/protobuf/wrappers.proto";

    /// <summary>Null when the scalar is no value of the field.</summary>
    public static JsonNode? Convert(YamlScalarNode scalar, FieldDescriptor field)
    {
        string text = scalar.Value ?? "";
        FieldDescriptor value = Unwrap(field);
        return value.FieldType switch
        {
            FieldType.String => text,
            FieldType.Bool => text switch { "true" or "True" or "yes" or "on" => true, "false" or "False" or "no" or "off" => false, _ => null },
            FieldType.Double or FieldType.Float => Number(text),
            FieldType.Enum => ValueOf(value.EnumType, text)?.Name,
            FieldType.Message or FieldType.Group or FieldType.Bytes => null,
            _ => Integer(text, field),
        };
    }

    /// <summary>What a field takes, for messages.</summary>
    public static string Expected(FieldDescriptor field)
    {
        FieldDescriptor value = Unwrap(field);
        return value.FieldType switch
        {
            FieldType.String => "a text",
            FieldType.Bool => "true or false",
            FieldType.Double or FieldType.Float => "a number",
            FieldType.Enum => "one of " + string.Join(", ", Names(value.EnumType)),
            _ => IsBytes(field) ? "a number of bytes, such as 6000000 or 6MiB" : "a whole number",
        };
    }

    /// <summary>The short names of an enum: without the unspecified value, and a prefix replaced by lower case.</summary>
    public static IEnumerable<string> Names(EnumDescriptor type) => type.Values.Where(v => !IsUnspecified(v)).Select(v => ShortName(type, v.Name));

    /// <summary>The short name of an enum value given its proto name.</summary>
    public static string ShortName(EnumDescriptor type, string name)
    {
        string prefix = string.Concat(type.Name.Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}")) + "_";
        return name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..].ToLowerInvariant() : name;
    }

    public static bool IsBytes(FieldDescriptor field) => field.JsonName.EndsWith("Bytes", StringComparison.Ordinal);

    public static FieldDescriptor Unwrap(FieldDescriptor field) =>
        field.FieldType == FieldType.Message && IsWrapper(field.MessageType) ? field.MessageType.FindFieldByNumber(1) : field;

    private static EnumValueDescriptor? ValueOf(EnumDescriptor type, string text) =>
        type.Values.Where(v => !IsUnspecified(v)).FirstOrDefault(v => v.Name == text || ShortName(type, v.Name).Equals(text, StringComparison.OrdinalIgnoreCase));

    private static bool IsUnspecified(EnumValueDescriptor value) => value.Number == 0 && value.Name.EndsWith("unspecified", StringComparison.OrdinalIgnoreCase);

    private static JsonNode? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? number : null;

    private static JsonNode? Integer(string text, FieldDescriptor field)
    {
        string digits = text.Replace("_", "", StringComparison.Ordinal);
        if (long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole)) return whole;
        if (!IsBytes(field)) return null;
        foreach ((string suffix, long bytes) in ByteUnits)
        {
            if (!digits.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)) continue;
            string figure = digits[..^suffix.Length].Trim();
            return decimal.TryParse(figure, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal count) && count < 1_000_000 ? (long)(count * bytes) : null;
        }
        return null;
    }
}
