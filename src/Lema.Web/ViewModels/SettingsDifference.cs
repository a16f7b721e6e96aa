using System.Text.Json;
using Google.Protobuf;
using Lema.Protocol.V1;

namespace Lema.Web.ViewModels;

/// <summary>One setting that is not the same in all runs of a comparison.</summary>
/// <param name="Key">Dotted, as in a run file, such as <c>lora.r</c>.</param>
/// <param name="Values">One for each run, in order; null where the run does not set it.</param>
public sealed record SettingsDifference(string Key, IReadOnlyList<string?> Values)
{
    public static IReadOnlyList<SettingsDifference> Between(IReadOnlyList<RunDetail> runs)
    {
        List<SortedDictionary<string, string>> flat = [.. runs.Select(Flatten)];
        return
        [
            .. flat.SelectMany(settings => settings.Keys).Distinct().Order(StringComparer.Ordinal)
                .Select(key => new SettingsDifference(key, [.. flat.Select(settings => settings.GetValueOrDefault(key))]))
                .Where(difference => difference.Values.Distinct().Count() > 1),
        ];
    }

    private static SortedDictionary<string, string> Flatten(RunDetail run)
    {
        SortedDictionary<string, string> values = new(StringComparer.Ordinal) { ["model"] = run.Summary.Model, ["dataset"] = run.Summary.Dataset };
        using JsonDocument settings = JsonDocument.Parse(JsonFormatter.Default.Format(run.Settings ?? new RunSettings()));
        Flatten(settings.RootElement, "", values);
        return values;
    }

    private static void Flatten(JsonElement element, string prefix, SortedDictionary<string, string> values)
    {
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string key = prefix + property.Name;
            if (property.Value.ValueKind is JsonValueKind.Object) Flatten(property.Value, key + ".", values);
            else values[key] = property.Value.ValueKind is JsonValueKind.Array ? string.Join(", ", property.Value.EnumerateArray()) : property.Value.ToString();
        }
    }
}
