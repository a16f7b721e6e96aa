using Lema.Engine.Adapters;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Training;
using EngineSettings = Lema.Engine.Training.RunSettings;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Run settings of the protocol, with their defaults filled in, as the engine takes them.</summary>
internal static class SettingsMapping
{
    /// <param name="initAdapter">Folder of the adapter to start from; empty: none.</param>
    public static EngineSettings ToEngine(this Proto.RunSettings settings, string initAdapter) => new()
    {
        Seed = settings.Seed,
        Steps = settings.HasSteps ? settings.Steps : null,
        Epochs = settings.HasEpochs ? settings.Epochs : null,
        MicroBatchSize = settings.MicroBatchSize,
        GradientAccumulation = settings.GradientAccumulation,
        MaxLength = settings.MaxLength,
        LearningRate = settings.LearningRate,
        Schedule = settings.Schedule switch
        {
            Proto.RunSettings.Types.Schedule.Linear => LearningRateSchedule.Linear,
            Proto.RunSettings.Types.Schedule.Constant => LearningRateSchedule.Constant,
            _ => LearningRateSchedule.Cosine,
        },
        WarmupSteps = settings.WarmupSteps,
        WarmupStart = settings.WarmupStart == Proto.RunSettings.Types.WarmupStart.One ? WarmupStart.One : WarmupStart.Zero,
        WeightDecay = settings.WeightDecay,
        AdamBeta1 = settings.AdamBeta1,
        AdamBeta2 = settings.AdamBeta2,
        AdamEpsilon = settings.AdamEpsilon,
        ClipGradNorm = settings.ClipGradNorm,
        Precision = settings.Precision switch
        {
            Proto.RunSettings.Types.Precision.Fp32 => Precision.Fp32,
            Proto.RunSettings.Types.Precision.Fp16 => Precision.Fp16,
            _ => Precision.Bf16,
        },
        InitAdapter = initAdapter.Length > 0 ? initAdapter : null,
        Lora = settings.Lora is { } lora ? ToEngine(lora) : null,
        FullFineTuning = settings.FullFineTuning is { } full ? new FullFineTuningSettings { Blocks = [.. full.Blocks], Modules = [.. full.Modules] } : null,
        Memory = new MemorySettings
        {
            WeightBytes = settings.Memory.HasWeightBytes ? settings.Memory.WeightBytes : null,
            TotalBytes = settings.Memory.HasTotalBytes ? settings.Memory.TotalBytes : null,
            DeviceBytes = settings.Memory.HasDeviceBytes ? settings.Memory.DeviceBytes : null,
        },
        Checkpoint = new CheckpointSettings { EverySteps = settings.Checkpoint.EverySteps, KeepLast = settings.Checkpoint.KeepLast },
        Evaluation = ToEngine(settings.Evaluation),
        Data = ToEngine(settings.Data),
    };

    public static LoraSettings ToEngine(Proto.LoraSettings lora) => new()
    {
        R = lora.R,
        Alpha = lora.Alpha,
        Dropout = lora.Dropout,
        TargetModules = [.. lora.TargetModules],
        TargetModulesRegex = lora.HasTargetModulesRegex ? lora.TargetModulesRegex : null,
        TargetParameters = [.. lora.TargetParameters],
        LayersToTransform = [.. lora.LayersToTransform],
        RankPattern = [.. lora.RankPattern],
        AlphaPattern = [.. lora.AlphaPattern],
        ModulesToSave = [.. lora.ModulesToSave],
        UseRslora = lora.UseRslora,
        UseDora = lora.UseDora,
    };

    private static EvaluationSettings ToEngine(Proto.EvaluationSettings evaluation) => new()
    {
        EverySteps = evaluation.EverySteps,
        Rows = evaluation.Rows,
        Metric = evaluation.Metric switch
        {
            Proto.EvaluationSettings.Types.Metric.ValidFormat => EvaluationMetric.ValidFormat,
            Proto.EvaluationSettings.Types.Metric.RightAnswer => EvaluationMetric.RightAnswer,
            _ => EvaluationMetric.Loss,
        },
        Patience = evaluation.Patience,
    };

    public static DataSettings ToEngine(Proto.DataSettings data) => new()
    {
        Shuffle = data.Shuffle,
        GroupByLength = data.GroupByLength,
        Packing = data.Packing,
        Truncation = data.Truncation switch
        {
            Proto.DataSettings.Types.Truncation.Drop => Truncation.Drop,
            Proto.DataSettings.Types.Truncation.Refuse => Truncation.Refuse,
            _ => Truncation.Cut,
        },
        Labels = data.Labels switch
        {
            Proto.DataSettings.Types.Labels.LastTurn => LabelMask.LastTurn,
            Proto.DataSettings.Types.Labels.All => LabelMask.All,
            _ => LabelMask.Completion,
        },
        ReplyFormat = data.ReplyFormat.ToEngine(),
    };
}
