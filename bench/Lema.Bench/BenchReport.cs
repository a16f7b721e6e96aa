using System.Globalization;
using System.Text.Json;

namespace Lema.Bench;

/// <summary>Figures of one run in the order in which they were added.</summary>
internal sealed class BenchReport
{
    private readonly List<KeyValuePair<string, object?>> _figures = [];

    public void Add(string name, object? value) => _figures.Add(KeyValuePair.Create(name, value));

    public string ToJson() => JsonSerializer.Serialize(new Dictionary<string, object?>(_figures.Select(figure => KeyValuePair.Create(figure.Key, Finite(figure.Value)))));

    public string ToTable() => "| figure | value |\n| --- | --- |\n" + string.Join('\n', _figures.Select(figure => $"| {figure.Key} | {Shown(figure.Value)} |"));

    private static object? Finite(object? value) => value is double number && !double.IsFinite(number) ? null : value;

    private static string Shown(object? value) => value switch
    {
        null => "not measured",
        double number => number.ToString(Math.Abs(number) >= 1e6 ? "N0" : "G4", CultureInfo.InvariantCulture),
        long count => count.ToString("N0", CultureInfo.InvariantCulture),
        double[] numbers => string.Join(" ", numbers.Select(number => number.ToString("G4", CultureInfo.InvariantCulture))),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
