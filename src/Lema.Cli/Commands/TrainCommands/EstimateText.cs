using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.TrainCommands;

/// <summary>Where the memory and the time of a run go.</summary>
internal static class EstimateText
{
    public static void Write(IAnsiConsole console, Estimate estimate)
    {
        PropertyList list = new();
        list.Add("fits", estimate.Fits ? "yes" : "no");
        if (estimate.Reason.Length > 0) list.Add("because", estimate.Reason);
        list.Add("least", $"memory.weightBytes {Quantity.Count(estimate.LeastWeightBytes)}, memory.totalBytes {Quantity.Count(estimate.LeastTotalBytes)}");
        list.Add("parameters", $"{Quantity.Count(estimate.TrainableParameters)} trained, {Quantity.Count(estimate.BaseParameters)} frozen");
        list.Add("streamed", $"{Quantity.Bytes(estimate.StreamedBytesPerStep)} from disk a step{(estimate.DeviceBytesPerStep > 0 ? $", {Quantity.Bytes(estimate.DeviceBytesPerStep)} to the device" : "")}");
        string mean = estimate.MeanTokensPerStep > 0 ? $"{Quantity.Count((long)Math.Round(estimate.MeanTokensPerStep))} a step on average, " : "";
        list.Add("tokens", $"{mean}{Quantity.Count(estimate.TokensPerStep)} where every row has maxLength");
        list.Add("time", estimate.SecondsPerStep > 0
            ? $"{estimate.SecondsPerStep:0.00} s a step on average, {Quantity.Duration(estimate.Seconds)} for {Quantity.Count(estimate.Steps)} steps"
            : $"not measured yet, {Quantity.Count(estimate.Steps)} steps; measure with: lema-remote doctor");
        list.Write(console);
        foreach (TierPlan tier in estimate.Tiers) WriteTier(console, tier);
    }

    private static void WriteTier(IAnsiConsole console, TierPlan tier)
    {
        console.WriteLine();
        string budget = tier.BudgetBytes > 0 ? $" of {Quantity.Bytes(tier.BudgetBytes)}" : "";
        console.WriteLine($"{tier.Tier.ToString().ToLowerInvariant()}: {Quantity.Bytes(tier.UsedBytes)}{budget}, {tier.ResidentUnits} of {tier.Units} units stay");
        TextTable table = new(new("  ITEM"), new("BYTES", Right: true));
        foreach (PlanItem item in tier.Items) table.Add("  " + item.Name, Quantity.Count(item.Bytes));
        if (!table.IsEmpty) table.Write(console);
    }
}
