using System.Globalization;
using Lema.Engine.Errors;

namespace Lema.Engine.Streaming.Planning;

public enum BoundaryPlace { Memory, File }

/// <summary>Where trained parameters, their gradients and moments live.</summary>
public enum StatePlace { Memory, File, Device }

/// <summary>One use of memory in a plan.</summary>
public sealed record PlanItem(string Name, long Bytes);

/// <summary>
/// How a run divides its memory, chosen so that the predicted step is the shortest that the budgets allow. Made by <see cref="Make"/>, which depends
/// on nothing but the request.
/// </summary>
public sealed record MemoryPlan
{
    /// <summary>Host slots that units share; 0 when all stay.</summary>
    public required int Slots { get; init; }

    public required int PinnedUnits { get; init; }

    /// <summary>Budget to open the weight stream with.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Budget of the device's slots; 0 where the processor computes.</summary>
    public required long DeviceWeightBytes { get; init; }

    /// <summary>Loads that have to be under way for the computation never to wait: load time over compute time of a block, rounded up, plus one.</summary>
    public required int PrefetchDepth { get; init; }

    public required int MicroBatchRows { get; init; }

    /// <summary>Last blocks whose activations are kept instead of recomputed.</summary>
    public required int KeptLayers { get; init; }

    public required BoundaryPlace Boundaries { get; init; }

    public required StatePlace State { get; init; }

    /// <summary>Tokens whose logits exist at one time.</summary>
    public required int ChunkTokens { get; init; }

    /// <summary>Uses of host memory; their sum stays within the total budget.</summary>
    public required IReadOnlyList<PlanItem> HostItems { get; init; }

    /// <summary>Uses of device memory; empty where the processor computes.</summary>
    public required IReadOnlyList<PlanItem> DeviceItems { get; init; }

    /// <summary>Bytes read from disk a step: weights, and boundaries that lie in a file.</summary>
    public required long DiskBytesPerStep { get; init; }

    /// <summary>Bytes copied to the device a step; 0 where the processor computes.</summary>
    public long DeviceBytesPerStep { get; init; }

    public required double SecondsPerStep { get; init; }

    public long HostBytes => HostItems.Sum(item => item.Bytes);

    public long DeviceBytes => DeviceItems.Sum(item => item.Bytes);

    /// <exception cref="BudgetExceededException">No division fits; names the budget and the least that would do.</exception>
    public static MemoryPlan Make(PlanRequest request) => new PlanSearch(request).Best();

    /// <summary>The least weight budget and the least total budget with which some plan would fit.</summary>
    public static (long WeightBytes, long TotalBytes) Least(PlanRequest request) => new PlanSearch(request).Least();

    /// <summary>Seconds that a step of this plan takes at other speeds.</summary>
    public double SecondsAt(PlanRequest request, MeasuredSpeeds speeds) => PlanCosts.Seconds(
        request with { Speeds = speeds }, new PlanShape(MicroBatchRows, KeptLayers, Boundaries, ChunkTokens, State), DiskBytesPerStep / 2, DeviceBytesPerStep / 2);

    /// <summary>The plan in a few lines for people.</summary>
    public string Explain()
    {
        List<string> lines =
        [
            Slots == 0 ? $"all units stay in memory" : $"{PinnedUnits} units stay in memory, the others share {Slots} slots (prefetch {PrefetchDepth} ahead)",
            $"micro-batches of {MicroBatchRows} rows, activations of the last {KeptLayers} blocks kept, block inputs in {(Boundaries == BoundaryPlace.File ? "a file" : "memory")}, optimizer state in {PlaceOfState}, logits of {ChunkTokens} tokens at a time",
            .. HostItems.Select(item => Line("host", item)),
            .. DeviceItems.Select(item => Line("device", item)),
            string.Create(CultureInfo.InvariantCulture, $"{SecondsPerStep:F2} s a step, {DiskBytesPerStep / 1e9:F2} GB of it read from disk"),
        ];
        return string.Join(Environment.NewLine, lines);
    }

    private string PlaceOfState => State switch
    {
        StatePlace.File => "a file",
        StatePlace.Device => "the device's memory",
        _ => "memory",
    };

    private static string Line(string tier, PlanItem item) => string.Create(CultureInfo.InvariantCulture, $"{tier}: {item.Name} {item.Bytes / 1e6:F0} MB");
}
