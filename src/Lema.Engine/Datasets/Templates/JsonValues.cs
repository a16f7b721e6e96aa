using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Lema.Engine.Datasets.Templates.Values;

namespace Lema.Engine.Datasets.Templates;

/// <summary>JSON as the values of a template, keys in the file's order.</summary>
internal static class JsonValues
{
    public static object? Of(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => Dictionary(element),
        JsonValueKind.Array => element.EnumerateArray().Select(Of).ToList(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => NumberOf(element.GetRawText()),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    private static DictValue Dictionary(JsonElement element)
    {
        DictValue dict = [];
        foreach (JsonProperty property in element.EnumerateObject()) dict[property.Name] = Of(property.Value);
        return dict;
    }

    private static object NumberOf(string text) => text.AsSpan().IndexOfAny(".eE") < 0
        ? Number.Of(BigInteger.Parse(text, CultureInfo.InvariantCulture))
        : double.Parse(text, CultureInfo.InvariantCulture);
}
