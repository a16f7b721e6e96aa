using System.Text.Json.Nodes;
using Google.Protobuf;
using Lema.Cli.Following;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>One run as text.</summary>
internal static class RunDetailText
{
    public static void Write(IAnsiConsole console, RunDetail detail)
    {
        PropertyList list = new();
        AddSummary(list, detail);
        foreach ((string key, string value) in Settings(detail.Settings)) list.Add(key, value);
        list.Write(console);
        WriteCheckpoints(console, detail);
        foreach (EvaluationPoint point in detail.Evaluations) console.WriteLine(RunText.EvaluationLine(point));
    }

    /// <summary>What came of a run that has just ended.</summary>
    public static void WriteEnd(IAnsiConsole console, RunDetail detail)
    {
        PropertyList list = new();
        AddSummary(list, detail);
        list.Write(console);
        WriteCheckpoints(console, detail);
    }

    private static string InLine(JsonNode? value) => value is JsonObject ? value.ToJsonString() : (value?.ToString() ?? "").Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>The settings as dotted keys and values.</summary>
    public static IEnumerable<(string Key, string Value)> Settings(RunSettings? settings) =>
        settings is null ? [] : Flatten((JsonObject)JsonNode.Parse(JsonFormatter.Default.Format(settings))!, "");

    private static IEnumerable<(string Key, string Value)> Flatten(JsonObject json, string prefix)
    {
        foreach ((string name, JsonNode? value) in json)
        {
            if (value is JsonObject inner)
            {
                foreach ((string, string) line in Flatten(inner, $"{prefix}{name}.")) yield return line;
            }
            else if (value is not null)
            {
                yield return (prefix + name, value is JsonArray list ? $"[{string.Join(", ", list.Select(InLine))}]" : InLine(value));
            }
        }
    }

    private static void AddSummary(PropertyList list, RunDetail detail)
    {
        RunSummary run = detail.Summary;
        list.Add("run", $"{run.Name} ({run.Id})");
        list.Add("state", RunText.State(run.State) + (run.Reason.Length > 0 ? $": {run.Reason}" : ""));
        list.Add("model", run.Model);
        list.Add("dataset", run.Dataset + (detail.EvaluationDataset.Length > 0 ? $", evaluated on {detail.EvaluationDataset}" : ""));
        list.Add("step", $"{run.Step} of {run.TotalSteps}");
        if (run.HasLastLoss) list.Add("loss", Quantity.Loss(run.LastLoss));
        if (detail.Totals is not { Seconds: > 0 } totals) return;
        list.Add("time", $"{Quantity.Duration(totals.Seconds)}, {Quantity.Count(totals.Tokens / totals.Seconds)} tokens/s, waiting for weights {Quantity.Percent(totals.StallSeconds / totals.Seconds)}");
        list.Add("streamed", Quantity.Bytes(totals.DiskBytes) + " from disk");
        list.Add("peak memory", Quantity.Bytes(totals.PeakRssBytes));
    }

    private static void WriteCheckpoints(IAnsiConsole console, RunDetail detail)
    {
        if (detail.Checkpoints.Count == 0) return;
        TextTable table = new(new("CHECKPOINT"), new("SIZE", 1, Right: true), new("EVAL LOSS", 2, Right: true), new(""), new("PATH", 3));
        foreach (Checkpoint checkpoint in detail.Checkpoints)
        {
            table.Add(
                $"step {checkpoint.Step}", Quantity.Bytes(checkpoint.Bytes), checkpoint.HasEvaluationLoss ? Quantity.Loss(checkpoint.EvaluationLoss) : "",
                checkpoint.Best ? "best" : "", checkpoint.Path);
        }
        table.Write(console);
    }
}
