using Lema.Engine.Streaming.Planning;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>A memory plan of the engine in the terms of the protocol.</summary>
internal static class PlanMapping
{
    /// <param name="meanStepTokens">Tokens of a step with the rows that the dataset has: memory is planned for full rows, time for these. Null: not counted, time is for full rows too.</param>
    public static Proto.Estimate ToProto(MemoryPlan plan, PlanRequest request, long steps, double? meanStepTokens)
    {
        int length = meanStepTokens is { } mean ? Math.Max(1, (int)Math.Round(mean / request.StepRows)) : request.Length;
        double seconds = plan.SecondsAt(request with { Length = length }, request.Speeds);
        Proto.Estimate estimate = new()
        {
            Fits = true,
            Steps = steps,
            StreamedBytesPerStep = plan.DiskBytesPerStep,
            DeviceBytesPerStep = plan.DeviceBytesPerStep,
            SecondsPerStep = seconds,
            Seconds = seconds * steps,
            TokensPerStep = request.StepTokens,
            MeanTokensPerStep = meanStepTokens ?? 0,
            TrainableParameters = request.TrainedParameters,
            DiskBytesPerSecond = request.Speeds.DiskBytesPerSecond,
            FlopsPerSecond = request.Speeds.FlopsPerSecond,
        };
        estimate.Tiers.Add(Tier(Proto.Tier.Host, request.TotalBytes, plan.HostItems, plan.PinnedUnits, request.UnitBytes.Count));
        if (request.DeviceBytes is { } device) estimate.Tiers.Add(Tier(Proto.Tier.Device, device, plan.DeviceItems, 0, request.UnitBytes.Count));
        return estimate;
    }

    private static Proto.TierPlan Tier(Proto.Tier tier, long budget, IReadOnlyList<PlanItem> items, int resident, int units)
    {
        Proto.TierPlan result = new() { Tier = tier, BudgetBytes = budget, UsedBytes = items.Sum(item => item.Bytes), ResidentUnits = resident, Units = units };
        result.Items.AddRange(items.Select(item => new Proto.PlanItem { Name = item.Name, Bytes = item.Bytes }));
        return result;
    }
}
