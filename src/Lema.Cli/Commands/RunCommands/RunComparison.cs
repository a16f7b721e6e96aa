using Lema.Cli.Following;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>A table with a column for each run: results first, then the settings that are not the same in all.</summary>
internal static class RunComparison
{
    public static TextTable Of(IReadOnlyList<RunDetail> runs)
    {
        TextTable table = new([new(""), .. runs.Select(r => new TableColumn(r.Summary.Name))]);
        AddWhereDifferent(table, "model", [.. runs.Select(r => r.Summary.Model)]);
        AddWhereDifferent(table, "dataset", [.. runs.Select(r => r.Summary.Dataset)]);
        table.Add(["state", .. runs.Select(r => RunText.State(r.Summary.State))]);
        table.Add(["step", .. runs.Select(r => Quantity.Count(r.Summary.Step))]);
        table.Add(["loss", .. runs.Select(r => r.Summary.HasLastLoss ? Quantity.Loss(r.Summary.LastLoss) : "")]);
        table.Add(["eval loss", .. runs.Select(r => r.Summary.HasLastEvaluationLoss ? Quantity.Loss(r.Summary.LastEvaluationLoss) : "")]);
        table.Add(["time", .. runs.Select(r => Quantity.Duration(r.Totals?.Seconds ?? 0))]);
        table.Add(["tokens/s", .. runs.Select(r => r.Totals is { Seconds: > 0 } totals ? Quantity.Count(totals.Tokens / totals.Seconds) : "")]);
        Dictionary<string, string>[] settings = [.. runs.Select(r => RunDetailText.Settings(r.Settings).ToDictionary(s => s.Key, s => s.Value, StringComparer.Ordinal))];
        foreach (string key in settings.SelectMany(s => s.Keys).Distinct(StringComparer.Ordinal))
        {
            AddWhereDifferent(table, key, [.. settings.Select(s => s.GetValueOrDefault(key, ""))]);
        }
        return table;
    }

    private static void AddWhereDifferent(TextTable table, string name, string[] values)
    {
        if (values.Distinct(StringComparer.Ordinal).Count() > 1) table.Add([name, .. values]);
    }
}
