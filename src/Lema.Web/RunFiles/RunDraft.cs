using Lema.Protocol.V1;

namespace Lema.Web.RunFiles;

/// <summary>
/// A run that is being written, bound to a form. An empty field is left out of the settings, so that the daemon's default holds; keys that the form
/// does not show stay as the run file has them.
/// </summary>
public sealed class RunDraft(StartRunRequest request)
{
    public StartRunRequest Request { get; } = request;

    private RunSettings Settings => Request.Settings ??= new RunSettings();

    private LoraSettings Lora => Settings.Lora ??= new LoraSettings();

    private MemorySettings Memory => Settings.Memory ??= new MemorySettings();

    private CheckpointSettings Checkpoint => Settings.Checkpoint ??= new CheckpointSettings();

    private EvaluationSettings Evaluation => Settings.Evaluation ??= new EvaluationSettings();

    /// <summary>What the form begins with: enough to see lema-tiny learn its reply format.</summary>
    public static RunDraft Fresh() => new(new StartRunRequest
    {
        Settings = new RunSettings
        {
            Steps = 300, MicroBatchSize = 16, MaxLength = 128, LearningRate = 0.002, WarmupSteps = 10, Precision = RunSettings.Types.Precision.Fp32,
            Lora = new LoraSettings { R = 16, Alpha = 32, TargetModules = { "all-linear" } },
            Checkpoint = new CheckpointSettings { EverySteps = 100 },
            Evaluation = new EvaluationSettings { EverySteps = 50, Rows = 32 },
        },
    });

    public bool CountsEpochs => Settings.HasEpochs;

    public double? Steps
    {
        get => Settings.HasSteps ? Settings.Steps : null;
        set { Settings.ClearEpochs(); if (value is { } given) Settings.Steps = (int)given; else Settings.ClearSteps(); }
    }

    public double? Epochs
    {
        get => Settings.HasEpochs ? Settings.Epochs : null;
        set { Settings.ClearSteps(); if (value is { } given) Settings.Epochs = given; else Settings.ClearEpochs(); }
    }

    public double? MicroBatchSize
    {
        get => Settings.HasMicroBatchSize ? Settings.MicroBatchSize : null;
        set { if (value is { } given) Settings.MicroBatchSize = (int)given; else Settings.ClearMicroBatchSize(); }
    }

    public double? GradientAccumulation
    {
        get => Settings.HasGradientAccumulation ? Settings.GradientAccumulation : null;
        set { if (value is { } given) Settings.GradientAccumulation = (int)given; else Settings.ClearGradientAccumulation(); }
    }

    public double? MaxLength
    {
        get => Settings.HasMaxLength ? Settings.MaxLength : null;
        set { if (value is { } given) Settings.MaxLength = (int)given; else Settings.ClearMaxLength(); }
    }

    public double? LearningRate
    {
        get => Settings.HasLearningRate ? Settings.LearningRate : null;
        set { if (value is { } given) Settings.LearningRate = given; else Settings.ClearLearningRate(); }
    }

    public double? WarmupSteps
    {
        get => Settings.HasWarmupSteps ? Settings.WarmupSteps : null;
        set { if (value is { } given) Settings.WarmupSteps = (int)given; else Settings.ClearWarmupSteps(); }
    }

    public double? WeightDecay
    {
        get => Settings.HasWeightDecay ? Settings.WeightDecay : null;
        set { if (value is { } given) Settings.WeightDecay = given; else Settings.ClearWeightDecay(); }
    }

    public double? ClipGradNorm
    {
        get => Settings.HasClipGradNorm ? Settings.ClipGradNorm : null;
        set { if (value is { } given) Settings.ClipGradNorm = given; else Settings.ClearClipGradNorm(); }
    }

    public double? Seed
    {
        get => Settings.HasSeed ? Settings.Seed : null;
        set { if (value is { } given) Settings.Seed = (int)given; else Settings.ClearSeed(); }
    }

    public RunSettings.Types.Schedule Schedule
    {
        get => Settings.HasSchedule ? Settings.Schedule : RunSettings.Types.Schedule.Cosine;
        set => Settings.Schedule = value;
    }

    public RunSettings.Types.Precision Precision
    {
        get => Settings.HasPrecision ? Settings.Precision : RunSettings.Types.Precision.Bf16;
        set => Settings.Precision = value;
    }

    public double? Rank
    {
        get => Settings.Lora is { HasR: true } lora ? lora.R : null;
        set { if (value is { } given) Lora.R = (int)given; else Lora.ClearR(); }
    }

    public double? Alpha
    {
        get => Settings.Lora is { HasAlpha: true } lora ? lora.Alpha : null;
        set { if (value is { } given) Lora.Alpha = given; else Lora.ClearAlpha(); }
    }

    public double? Dropout
    {
        get => Settings.Lora is { HasDropout: true } lora ? lora.Dropout : null;
        set { if (value is { } given) Lora.Dropout = given; else Lora.ClearDropout(); }
    }

    /// <summary>Names separated by spaces or commas.</summary>
    public string TargetModules
    {
        get => Settings.Lora is { } lora ? string.Join(' ', lora.TargetModules) : "";
        set
        {
            Lora.TargetModules.Clear();
            Lora.TargetModules.AddRange(value.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        }
    }

    /// <summary>In MiB.</summary>
    public double? WeightBudget
    {
        get => Settings.Memory is { HasWeightBytes: true } memory ? memory.WeightBytes / (double)(1 << 20) : null;
        set { if (value is { } given) Memory.WeightBytes = (long)(given * (1 << 20)); else Memory.ClearWeightBytes(); }
    }

    /// <summary>In MiB.</summary>
    public double? TotalBudget
    {
        get => Settings.Memory is { HasTotalBytes: true } memory ? memory.TotalBytes / (double)(1 << 20) : null;
        set { if (value is { } given) Memory.TotalBytes = (long)(given * (1 << 20)); else Memory.ClearTotalBytes(); }
    }

    public double? CheckpointEvery
    {
        get => Settings.Checkpoint is { HasEverySteps: true } checkpoint ? checkpoint.EverySteps : null;
        set { if (value is { } given) Checkpoint.EverySteps = (int)given; else Checkpoint.ClearEverySteps(); }
    }

    public double? CheckpointsKept
    {
        get => Settings.Checkpoint is { HasKeepLast: true } checkpoint ? checkpoint.KeepLast : null;
        set { if (value is { } given) Checkpoint.KeepLast = (int)given; else Checkpoint.ClearKeepLast(); }
    }

    public double? EvaluateEvery
    {
        get => Settings.Evaluation is { HasEverySteps: true } evaluation ? evaluation.EverySteps : null;
        set { if (value is { } given) Evaluation.EverySteps = (int)given; else Evaluation.ClearEverySteps(); }
    }

    public double? EvaluationRows
    {
        get => Settings.Evaluation is { HasRows: true } evaluation ? evaluation.Rows : null;
        set { if (value is { } given) Evaluation.Rows = (int)given; else Evaluation.ClearRows(); }
    }
}
