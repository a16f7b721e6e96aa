namespace Lema.Engine.Streaming.Planning;

/// <summary>Bytes a second of the disk and of the copies to the device, and floating-point operations a second of a training step.</summary>
public sealed record MeasuredSpeeds(double DiskBytesPerSecond, double CopyBytesPerSecond, double FlopsPerSecond);

/// <summary>All that a plan depends on, as plain numbers.</summary>
public sealed record PlanRequest
{
    /// <summary>What each unit takes in a slot, in the order of a pass.</summary>
    public required IReadOnlyList<long> UnitBytes { get; init; }

    public required int Blocks { get; init; }

    /// <summary>Parameters of all blocks that one token passes through.</summary>
    public required long BlockParameters { get; init; }

    public required long HeadParameters { get; init; }

    public required int HiddenSize { get; init; }

    public required int VocabularySize { get; init; }

    /// <summary>Bytes that the backward pass of one block needs from its forward pass, for one token.</summary>
    public required long ActivationBytesPerToken { get; init; }

    /// <summary>Bytes of an element of an activation: 4 in fp32, else 2.</summary>
    public required int ElementBytes { get; init; }

    /// <summary>Rows of a micro-batch at the most; the plan may take fewer, which changes no result but rounding.</summary>
    public required int MicroBatchRows { get; init; }

    /// <summary>Rows of a micro-batch and tokens of a chunk of logits that were decided before; null: chosen by the plan.</summary>
    public (int MicroBatchRows, int ChunkTokens)? Division { get; init; }

    /// <summary>Bytes that a logit takes while its loss is computed.</summary>
    public int BytesPerLogit { get; init; } = 12;

    /// <summary>Bytes of the operands and sums that a matrix product holds in float32 where the processor has no instructions for the compute type.</summary>
    public long WidenedBytes { get; init; }

    /// <summary>Rows of a step.</summary>
    public required int StepRows { get; init; }

    public required int Length { get; init; }

    /// <summary>Trained parameters; each takes a value, a gradient and two moments in float32.</summary>
    public required long TrainedParameters { get; init; }

    /// <summary>Trained parameters and their moments may live elsewhere than where they are computed with: in host memory, or in a file, a few layers of them in memory at a time.</summary>
    public bool StateMayLeave { get; init; }

    /// <summary>libtorch, the runtime, code and read buffers.</summary>
    public long RuntimeBytes { get; init; } = 400L << 20;

    /// <summary>Budget of slots and pinned units; null: whatever the total leaves.</summary>
    public long? WeightBytes { get; init; }

    /// <summary>Budget of the whole process.</summary>
    public required long TotalBytes { get; init; }

    /// <summary>Budget in the memory of a device of its own; null: the processor computes.</summary>
    public long? DeviceBytes { get; init; }

    public required MeasuredSpeeds Speeds { get; init; }

    public long StepTokens => (long)StepRows * Length;
}
