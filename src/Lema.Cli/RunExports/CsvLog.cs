using System.Globalization;
using System.Text;

namespace Lema.Cli.RunExports;

/// <summary>A run as comma-separated values: a row a step, a column a series, empty where a series has no point.</summary>
internal static class CsvLog
{
    public static string Write(RunHistory history)
    {
        string[] series = [.. history.Series.Keys];
        StringBuilder text = new();
        text.AppendJoin(',', ["step", "seconds", .. series]).Append('\n');
        foreach (long step in history.Steps)
        {
            text.Append(step).Append(',').Append(history.Seconds.TryGetValue(step, out double seconds) ? Figure(seconds) : "");
            foreach (string name in series) text.Append(',').Append(history.At(name, step) is { } value ? Figure(value) : "");
            text.Append('\n');
        }
        return text.ToString();
    }

    private static string Figure(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
