using Lema.Engine.Models;
using Lema.Protocol.V1;

namespace Lema.Server.Jobs;

/// <summary>How much memory a job is given, before its worker has made a plan of its own.</summary>
internal static class JobMemory
{
    /// <summary>The runtime and libtorch, without any weights.</summary>
    public const long RuntimeBytes = 400L << 20;

    /// <summary>Beside the weights: activations, adapters, moments, logits. A plan that needs more says so in memory.totalBytes.</summary>
    private const long WorkingBytes = 512L << 20;

    private const long CheckFloorBytes = 64L << 20;
    private const int CheckSlots = 3;

    public static long ForTraining(MemorySettings memory, long modelBytes) => memory.HasTotalBytes ? memory.TotalBytes : ForWeights(memory.HasWeightBytes ? memory.WeightBytes : modelBytes);

    public static long ForWeights(long weightBytes) => RuntimeBytes + WorkingBytes + weightBytes;

    /// <summary>Copying from file to file, a layer at a time.</summary>
    public static long ForCopy() => RuntimeBytes + WorkingBytes;

    /// <summary>
    /// Weight budget to stream a model and its merge under while they are compared: some slots of the largest unit, twice as large because a merge may be
    /// in float32 where its base is in bfloat16.
    /// </summary>
    public static long WeightsForMergeCheck(ModelUnits units) => CheckFloorBytes + CheckSlots * 2 * units.Units.Max(unit => unit.Slices.Sum(slice => slice.ByteCount));
}
