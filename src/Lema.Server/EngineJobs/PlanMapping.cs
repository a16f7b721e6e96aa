using Lema.Engine.Streaming.Planning;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>A memory plan of the engine in the terms of the protocol.</summary>
internal static class PlanMapping
{
    public static Proto.Estimate ToProto(MemoryPlan plan, PlanRequest request, long steps)
    {
        Proto.Estimate estimate = new()
        {
            Fits = true,
            Steps = steps,
            StreamedBytesPerStep = plan.DiskBytesPerStep,
            SecondsPerStep = plan.SecondsPerStep,
            Seconds = plan.SecondsPerStep * steps,
            TokensPerStep = request.StepTokens,
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
