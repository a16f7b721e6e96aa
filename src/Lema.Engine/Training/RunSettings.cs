using System.Collections.Immutable;

namespace Lema.Engine.Training;

public enum LearningRateSchedule { Cosine, Linear, Constant }

/// <summary>Warm-up step s of w uses factor s / w (<see cref="Zero"/>, as transformers does) or (s + 1) / w (<see cref="One"/>).</summary>
public enum WarmupStart { Zero, One }

/// <summary>Everything that decides what a run computes. Keys of the run file are these names in camelCase.</summary>
public sealed record RunSettings
{
    public int Seed { get; init; }

    /// <summary>Optimizer updates. Exactly one of <see cref="Steps"/> and <see cref="Epochs"/> is set.</summary>
    public int? Steps { get; init; }

    public double? Epochs { get; init; }

    /// <summary>Rows of a micro-batch.</summary>
    public int MicroBatchSize { get; init; } = 4;

    /// <summary>Micro-batches of a step.</summary>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>Tokens of a row at the most; longer rows are cut or refused by the dataset's truncation policy.</summary>
    public int MaxLength { get; init; } = 512;

    public double LearningRate { get; init; } = 1e-3;

    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Cosine;

    public int WarmupSteps { get; init; }

    public WarmupStart WarmupStart { get; init; } = WarmupStart.Zero;

    public double WeightDecay { get; init; }

    public double AdamBeta1 { get; init; } = 0.9;

    public double AdamBeta2 { get; init; } = 0.999;

    public double AdamEpsilon { get; init; } = 1e-8;

    /// <summary>Largest total gradient norm; 0 turns clipping off.</summary>
    public double ClipGradNorm { get; init; } = 1.0;

    public Precision Precision { get; init; } = Precision.Bf16;

    /// <summary>Folder of a PEFT adapter to start from; null: A Kaiming-uniform, B zero.</summary>
    public string? InitAdapter { get; init; }

    /// <summary>Null when the run trains parameters of the base model itself (<see cref="FullFineTuning"/>).</summary>
    public Adapters.LoraSettings? Lora { get; init; } = new();

    public FullFineTuningSettings? FullFineTuning { get; init; }

    public Datasets.Batches.DataSettings Data { get; init; } = new();

    public MemorySettings Memory { get; init; } = new();

    public CheckpointSettings Checkpoint { get; init; } = new();

    public EvaluationSettings Evaluation { get; init; } = new();
}

/// <summary>Which parameters of the base model train: module suffixes, within blocks chosen by <c>last:K</c>, <c>first:K</c>, ids, <c>emb</c>, <c>head</c> or <c>all</c>.</summary>
public sealed record FullFineTuningSettings
{
    public ImmutableArray<string> Blocks { get; init; } = ["all"];

    /// <summary>Suffixes of parameter names within the chosen blocks; empty: every parameter.</summary>
    public ImmutableArray<string> Modules { get; init; } = [];
}

/// <summary>Budgets in bytes; null: as much as the machine has to spare.</summary>
public sealed record MemorySettings
{
    /// <summary>Slots, pinned layers, embedding rows and head tiles.</summary>
    public long? WeightBytes { get; init; }

    /// <summary>Peak resident size of the process, runtime included.</summary>
    public long? TotalBytes { get; init; }

    /// <summary>Memory of the accelerator.</summary>
    public long? DeviceBytes { get; init; }
}

public sealed record CheckpointSettings
{
    /// <summary>Steps between checkpoints; 0: only at the end.</summary>
    public int EverySteps { get; init; }

    public int KeepLast { get; init; } = 3;
}

public sealed record EvaluationSettings
{
    /// <summary>Steps between evaluations; 0: none.</summary>
    public int EverySteps { get; init; }

    /// <summary>Held-out rows to evaluate.</summary>
    public int Rows { get; init; } = 32;

    /// <summary>What makes a checkpoint the best, and what <see cref="Patience"/> watches.</summary>
    public EvaluationMetric Metric { get; init; }

    /// <summary>Evaluations in a row without a better <see cref="Metric"/> after which the run ends early; 0: never.</summary>
    public int Patience { get; init; }
}

/// <summary>A figure of an evaluation during training.</summary>
public enum EvaluationMetric
{
    /// <summary>Loss over the held-out rows; less is better.</summary>
    Loss,

    /// <summary>Share of the replies that are in the reply format.</summary>
    ValidFormat,

    /// <summary>Share of the replies that are right.</summary>
    RightAnswer,
}
