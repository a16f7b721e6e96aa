using Lema.Engine.Devices;
using Lema.Engine.Models;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using Lema.Server.EngineJobs;
using Lema.Server.Models;
using BudgetExceededException = Lema.Engine.Errors.BudgetExceededException;
using RunSettings = Lema.Protocol.V1.RunSettings;

namespace Lema.Server.Jobs;

/// <summary>How much memory a job is given, before its worker has made a plan of its own.</summary>
internal static class JobMemory
{
    /// <summary>The runtime and libtorch, without any weights.</summary>
    public const long RuntimeBytes = 400L << 20;

    /// <summary>Beside the weights: activations, adapters, moments, logits. A plan that needs more says so in memory.totalBytes.</summary>
    private const long WorkingBytes = 512L << 20;

    // The daemon computes nothing and measures nothing; a worker plans within what it was given, with speeds that it has measured.
    private static readonly MeasuredSpeeds Assumed = new(1e9, 1e9, 3e11);

    private const long CheckFloorBytes = 64L << 20;
    private const int CheckSlots = 3;

    /// <summary>What the plan of a run needs; where the settings name a total, that.</summary>
    /// <param name="adapterFolder">Adapter that the run starts from; empty: none.</param>
    /// <exception cref="BudgetExceededException">Nothing fits the budgets of the settings.</exception>
    public static long ForTraining(ModelDescription model, RunSettings settings, string adapterFolder)
    {
        MemoryPlan plan = MemoryPlan.Make(RunPlan.Request(model.Architecture, model.Index, settings.ToEngine(adapterFolder), Assumed, ComputeDevices.AcceleratorBytes));
        return settings.Memory.HasTotalBytes ? settings.Memory.TotalBytes : plan.HostBytes;
    }

    public static long ForWeights(long weightBytes) => RuntimeBytes + WorkingBytes + weightBytes;

    public static long ForDiagnosis() => RuntimeBytes + WorkingBytes + FlightCheck.MemoryProbeBytes;

    /// <summary>Copying from file to file, a layer at a time.</summary>
    public static long ForCopy() => RuntimeBytes + WorkingBytes;

    /// <summary>
    /// Weight budget to stream a model and its merge under while they are compared: some slots of the largest unit, twice as large because a merge may be
    /// in float32 where its base is in bfloat16.
    /// </summary>
    public static long WeightsForMergeCheck(ModelUnits units) => CheckFloorBytes + CheckSlots * 2 * units.Units.Max(unit => unit.Slices.Sum(slice => slice.ByteCount));
}
