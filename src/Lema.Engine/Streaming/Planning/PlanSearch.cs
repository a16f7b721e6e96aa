using Lema.Engine.Errors;

namespace Lema.Engine.Streaming.Planning;

/// <summary>
/// Tries every combination of micro-batch, chunk, place of the boundaries and kept layers with the best division of the weights that is left, and keeps
/// the fastest. A larger budget only adds combinations, so more memory is never slower.
/// </summary>
internal sealed class PlanSearch(PlanRequest request)
{
    private static readonly int[] ChunkSizes = [1024, 512, 256, 128];

    private readonly SlotChoices _choices = new(request.UnitBytes);

    public MemoryPlan Best()
    {
        MemoryPlan? best = null;
        foreach (PlanShape shape in Shapes())
        {
            if (Fit(shape) is { } plan && (best is null || plan.SecondsPerStep < best.SecondsPerStep)) best = plan;
        }
        return best ?? throw Refusal();
    }

    /// <summary>From the most comfortable to the most frugal, so that the first of equally fast ones is taken.</summary>
    private IEnumerable<PlanShape> Shapes() =>
        from state in StatePlaces()
        from place in new[] { BoundaryPlace.Memory, BoundaryPlace.File }
        from rows in MicroBatches()
        from chunk in request.Division is { } division ? [division.ChunkTokens] : ChunkSizes
        from kept in Enumerable.Range(0, request.Blocks + 1)
        select new PlanShape(rows, kept, place, chunk, state);

    private IEnumerable<StatePlace> StatePlaces()
    {
        if (request.DeviceBytes is not null) yield return StatePlace.Device;
        if (request.DeviceBytes is null || request.StateMayLeave) yield return StatePlace.Memory;
        if (request.StateMayLeave) yield return StatePlace.File;
    }

    private IEnumerable<int> MicroBatches()
    {
        if (request.Division is { } division) return [division.MicroBatchRows];
        int largest = Math.Min(request.MicroBatchRows, request.StepRows);
        return Enumerable.Range(1, largest).Where(rows => request.StepRows % rows == 0).Reverse();
    }

    private MemoryPlan? Fit(PlanShape shape)
    {
        PlanItem[] host = [.. PlanCosts.Host(request, shape)], device = [.. PlanCosts.Device(request, shape)];
        long left = request.TotalBytes - host.Sum(item => item.Bytes);
        if (_choices.Within(Math.Min(request.WeightBytes ?? long.MaxValue, left)) is not { } weights) return null;
        SlotChoice? deviceWeights = null;
        if (request.DeviceBytes is { } deviceBytes)
        {
            deviceWeights = _choices.Within(deviceBytes - device.Sum(item => item.Bytes));
            if (deviceWeights is null) return null;
        }
        long diskBytes = PlanCosts.DiskBytesPerPass(request, shape, weights);
        return new MemoryPlan
        {
            Slots = weights.Slots,
            PinnedUnits = weights.PinnedUnits,
            WeightBytes = weights.Bytes,
            DeviceWeightBytes = deviceWeights?.Bytes ?? 0,
            PrefetchDepth = PlanCosts.PrefetchDepth(request),
            MicroBatchRows = shape.MicroBatchRows,
            KeptLayers = shape.KeptLayers,
            Boundaries = shape.Boundaries,
            State = shape.State,
            ChunkTokens = shape.ChunkTokens,
            HostItems = [new PlanItem("slots and pinned units", weights.Bytes), .. host],
            DeviceItems = deviceWeights is null ? [] : [new PlanItem("slots and pinned units", deviceWeights.Bytes), .. device],
            DiskBytesPerStep = 2 * diskBytes,
            DeviceBytesPerStep = 2 * (deviceWeights?.LoadedBytes ?? 0),
            SecondsPerStep = PlanCosts.Seconds(request, shape, diskBytes, deviceWeights?.LoadedBytes ?? 0),
        };
    }

    public (long WeightBytes, long TotalBytes) Least() => (_choices.LeastBytes, Shapes().Min(LeastHost));

    private BudgetExceededException Refusal()
    {
        if (request.WeightBytes is { } weights && weights < _choices.LeastBytes)
            return new BudgetExceededException(_choices.LeastBytes, weights, "memory.weightBytes: two slots for the largest unit");
        long leastHost = Shapes().Min(LeastHost);
        if (leastHost > request.TotalBytes) return new BudgetExceededException(leastHost, request.TotalBytes, "memory.totalBytes: the most frugal plan");
        long leastDevice = Shapes().Where(shape => LeastHost(shape) <= request.TotalBytes).Min(shape => PlanCosts.Device(request, shape).Sum(item => item.Bytes)) + _choices.LeastBytes;
        return new BudgetExceededException(leastDevice, request.DeviceBytes!.Value, "memory.deviceBytes: the most frugal plan");
    }

    private long LeastHost(PlanShape shape) => PlanCosts.Host(request, shape).Sum(item => item.Bytes) + _choices.LeastBytes;
}

/// <summary>The choices of a plan that are not about weights.</summary>
internal readonly record struct PlanShape(int MicroBatchRows, int KeptLayers, BoundaryPlace Boundaries, int ChunkTokens, StatePlace State);
