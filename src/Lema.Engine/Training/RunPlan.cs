using System.Text.Json;
using Lema.Engine.Devices;
using Lema.Engine.Models;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Engine.Training;

/// <summary>How a run divides its work, decided once: a run that goes on after an interruption keeps the division, because it decides how sums are rounded.</summary>
/// <param name="MicroBatchRows">Rows that pass through a layer together.</param>
/// <param name="ChunkTokens">Tokens whose logits exist at one time.</param>
public sealed record WorkDivision(int MicroBatchRows, int ChunkTokens)
{
    private const string FileName = "division.json";

    /// <summary>The division that a run folder keeps, or null before the run's first start.</summary>
    public static WorkDivision? Read(string runFolder)
    {
        string file = Path.Combine(runFolder, FileName);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<WorkDivision>(File.ReadAllText(file)) : null;
        }
        catch (JsonException)
        {
            // Cut off while the run first started: no step has been taken with it.
            return null;
        }
    }

    public void Write(string runFolder)
    {
        Directory.CreateDirectory(runFolder);
        File.WriteAllText(Path.Combine(runFolder, FileName), JsonSerializer.Serialize(this));
    }
}

/// <summary>The memory plan of a run, the same for an estimate, a reservation and the run itself.</summary>
public static class RunPlan
{
    /// <summary>Of a matrix product's speed, what a step reaches; until a block has been timed.</summary>
    private const double AssumedShare = 0.6;

    /// <summary>Share of the machine's memory for a run that states no total.</summary>
    private const double ShareOfMachine = 0.5;

    /// <summary>Speeds of this machine for a model, measured in seconds and kept for a week.</summary>
    public static MeasuredSpeeds Speeds(GlobalBinaryIndex index, Precision precision)
    {
        torch.ScalarType type = precision.ComputeType();
        string file = index.Headers.MaxBy(header => header.FileBytes)!.File;
        return FlightCheckCache.Default.GetOrMeasure(ComputeDevices.AcceleratorBytes is null ? file : file + " (CUDA)", type, () =>
        {
            using IDevice device = ComputeDevices.Open();
            return FlightCheck.Measure(file, type, AssumedShare, device);
        });
    }

    /// <summary>What a run asks of memory and time.</summary>
    /// <param name="acceleratorBytes">Memory of the device that a job may use; null: the processor computes.</param>
    /// <param name="availableBytes">Host memory, where the settings state no total; null: half of the machine's.</param>
    /// <param name="division">Kept from an earlier start; null: chosen by the plan.</param>
    /// <exception cref="Errors.LemaException">The settings do not fit the model or the machine.</exception>
    public static PlanRequest Request(
        DecoderModel model, GlobalBinaryIndex index, RunSettings settings, MeasuredSpeeds speeds, long? acceleratorBytes, long? availableBytes = null, WorkDivision? division = null) =>
        PlanRequests.Of(model, ModelUnits.Of(model, index), settings, TrainedWeights.Count(model, settings), availableBytes ?? (long)(ShareOfMachine * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes), speeds, acceleratorBytes) with
        {
            Division = division is null ? null : (division.MicroBatchRows, division.ChunkTokens),
        };
}
