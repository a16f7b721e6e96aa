using Lema.Engine.Devices;
using Lema.Engine.Models;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Bench;

/// <summary>What a benchmark's step needs, planned as a run would plan it: LoRA r 16 on all linear layers.</summary>
/// <param name="StepFlops">6 P T + 4 P_h T: the recomputed forward pass is counted.</param>
internal sealed record BenchPlan(PlanRequest Request, MemoryPlan Memory, long ModelBytes, double StepFlops)
{
    // Of the matrix product's speed; until a block has been measured.
    private const double AssumedShare = 0.6;

    /// <param name="rows">Rows of a micro-batch at the most.</param>
    /// <param name="weightBytes">memory.weightBytes; null: no limit.</param>
    /// <param name="totalBytes">memory.totalBytes; null: what the machine has.</param>
    public static BenchPlan Make(string folder, long batch, long length, long rows, long? weightBytes, long? totalBytes, Precision precision = Precision.Bf16)
    {
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(folder);
        DecoderModel model = ModelFamilies.Read(folder);
        RunSettings settings = new()
        {
            MicroBatchSize = (int)rows, GradientAccumulation = (int)(batch / rows), MaxLength = (int)length, Precision = precision,
            Memory = new MemorySettings { WeightBytes = weightBytes, TotalBytes = totalBytes },
        };
        using var adapters = TrainedWeights.Create(model, index, settings);
        double disk = FlightCheck.DiskBytesPerSecond(index.Headers[0].File), flops = AssumedShare * FlightCheck.GemmFlopsPerSecond(torch.ScalarType.BFloat16);
        PlanRequest request = PlanRequests.Of(model, ModelUnits.Of(model, index), settings, adapters.ParameterCount, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, new MeasuredSpeeds(disk, disk, flops));
        return new(request, MemoryPlan.Make(request), index.TotalBytes, (6.0 * request.BlockParameters + 4.0 * request.HeadParameters) * request.StepTokens);
    }
}
