namespace Lema.Engine.Streaming.Planning;

/// <summary>What a shape costs in memory and time. Formulas: docs/performance.md.</summary>
internal static class PlanCosts
{
    /// <summary>Value, gradient and two moments.</summary>
    private const int BytesPerTrainedParameter = 16;

    /// <summary>Recomputed activations of one micro-batch, and as much again for gradients and temporaries.</summary>
    private const int WorkingCopies = 2;

    /// <summary>Blocks whose boundaries are under way between memory and file at a time: one written or used, one read ahead.</summary>
    private const int BoundariesInFlight = 2;

    /// <summary>Layers whose trained parameters are in memory while the rest lies in a file.</summary>
    private const int StatesInFlight = 2;

    /// <summary>Smaller matrices compute a little slower; keeps ties from going to the most frugal shape.</summary>
    private const double CostOfHalving = 0.01;

    public static IEnumerable<PlanItem> Host(PlanRequest request, PlanShape shape)
    {
        long boundary = Boundary(request);
        yield return new PlanItem("runtime", request.RuntimeBytes);
        if (shape.State != StatePlace.Device)
        {
            long state = State(request);
            yield return new PlanItem("trained parameters, gradients and moments", shape.State == StatePlace.Memory ? state : Math.Min(state, StatesInFlight * state / request.Blocks));
        }
        long blocks = shape.Boundaries == BoundaryPlace.Memory ? request.Blocks - shape.KeptLayers : Math.Min(BoundariesInFlight, request.Blocks - shape.KeptLayers);
        yield return new PlanItem("boundary activations", blocks * boundary);
        if (request.DeviceBytes is not null) yield break;
        foreach (PlanItem item in Computation(request, shape)) yield return item;
    }

    public static IEnumerable<PlanItem> Device(PlanRequest request, PlanShape shape)
    {
        if (request.DeviceBytes is null) yield break;
        yield return shape.State == StatePlace.Device
            ? new PlanItem("trained parameters, gradients and moments", State(request))
            : new PlanItem("trained parameters of one block", State(request) / request.Blocks);
        foreach (PlanItem item in Computation(request, shape)) yield return item;
    }

    public static long DiskBytesPerPass(PlanRequest request, PlanShape shape, SlotChoice weights) =>
        weights.LoadedBytes + (shape.Boundaries == BoundaryPlace.File ? (request.Blocks - shape.KeptLayers) * Boundary(request) : 0);

    public static double Seconds(PlanRequest request, PlanShape shape, long diskBytesPerPass, long copiedBytesPerPass)
    {
        double flops = request.Speeds.FlopsPerSecond;
        double forward = 2.0 * request.BlockParameters * request.StepTokens / flops;
        double recomputed = 1 - (double)shape.KeptLayers / request.Blocks;
        double backward = forward * (1 + recomputed);
        double head = 4.0 * request.HeadParameters * request.StepTokens / flops;
        double link = Math.Max(diskBytesPerPass / request.Speeds.DiskBytesPerSecond, copiedBytesPerPass / request.Speeds.CopyBytesPerSecond);
        double halvings = Math.Log2((double)request.MicroBatchRows / shape.MicroBatchRows) + Math.Log2(1024.0 / shape.ChunkTokens);
        // In a file it is read and written once a step; for a device values come over once a pass and gradients go back.
        double state = shape.State == StatePlace.File ? 2.0 * State(request) / request.Speeds.DiskBytesPerSecond : 0;
        if (request.DeviceBytes is not null && shape.State != StatePlace.Device) state += 3.0 * sizeof(float) * request.TrainedParameters / request.Speeds.CopyBytesPerSecond;
        return (Math.Max(forward, link) + Math.Max(backward, link) + head) * (1 + CostOfHalving * halvings) + state;
    }

    public static int PrefetchDepth(PlanRequest request)
    {
        double load = request.UnitBytes.Max() / request.Speeds.DiskBytesPerSecond;
        double compute = 2.0 * request.BlockParameters / request.Blocks * request.StepTokens / request.Speeds.FlopsPerSecond;
        return (int)Math.Min(request.UnitBytes.Count, Math.Ceiling(load / compute) + 1);
    }

    private static long State(PlanRequest request) => request.TrainedParameters * BytesPerTrainedParameter;

    /// <summary>Inputs of one block for the whole step.</summary>
    public static long Boundary(PlanRequest request) => request.StepTokens * request.HiddenSize * request.ElementBytes;

    private static IEnumerable<PlanItem> Computation(PlanRequest request, PlanShape shape)
    {
        long microTokens = (long)shape.MicroBatchRows * request.Length;
        yield return new PlanItem("kept activations", shape.KeptLayers * request.StepTokens * request.ActivationBytesPerToken);
        yield return new PlanItem("one block at work", WorkingCopies * microTokens * request.ActivationBytesPerToken);
        if (request.WidenedBytes > 0) yield return new PlanItem("products widened to float32", request.WidenedBytes);
        yield return new PlanItem("hidden states and their gradients", 2 * Boundary(request));
        yield return new PlanItem("logits", (long)Math.Min(shape.ChunkTokens, request.StepTokens) * request.VocabularySize * request.BytesPerLogit);
    }
}
