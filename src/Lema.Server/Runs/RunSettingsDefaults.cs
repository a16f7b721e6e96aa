using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>Fills in what a run's settings leave out, so that the run's record says everything that decided it.</summary>
internal static class RunSettingsDefaults
{
    private static readonly Engine.Training.RunSettings Engine = new();
    private static readonly Engine.Adapters.LoraSettings EngineLora = new();

    /// <param name="maxPositions">Longest sequence of the model; 0: not known.</param>
    public static RunSettings Fill(RunSettings? given, int maxPositions)
    {
        RunSettings settings = given?.Clone() ?? new RunSettings();
        if (!settings.HasSeed) settings.Seed = Engine.Seed;
        if (!settings.HasMicroBatchSize) settings.MicroBatchSize = Engine.MicroBatchSize;
        if (!settings.HasGradientAccumulation) settings.GradientAccumulation = Engine.GradientAccumulation;
        if (!settings.HasMaxLength) settings.MaxLength = maxPositions > 0 ? Math.Min(Engine.MaxLength, maxPositions) : Engine.MaxLength;
        if (!settings.HasLearningRate) settings.LearningRate = Engine.LearningRate;
        if (!settings.HasSchedule || settings.Schedule == RunSettings.Types.Schedule.Unspecified) settings.Schedule = RunSettings.Types.Schedule.Cosine;
        if (!settings.HasWarmupSteps) settings.WarmupSteps = Engine.WarmupSteps;
        if (!settings.HasWarmupStart || settings.WarmupStart == RunSettings.Types.WarmupStart.Unspecified) settings.WarmupStart = RunSettings.Types.WarmupStart.Zero;
        if (!settings.HasWeightDecay) settings.WeightDecay = Engine.WeightDecay;
        if (!settings.HasAdamBeta1) settings.AdamBeta1 = Engine.AdamBeta1;
        if (!settings.HasAdamBeta2) settings.AdamBeta2 = Engine.AdamBeta2;
        if (!settings.HasAdamEpsilon) settings.AdamEpsilon = Engine.AdamEpsilon;
        if (!settings.HasClipGradNorm) settings.ClipGradNorm = Engine.ClipGradNorm;
        if (!settings.HasPrecision || settings.Precision == RunSettings.Types.Precision.Unspecified) settings.Precision = RunSettings.Types.Precision.Bf16;
        if (settings.FullFineTuning is null) FillLora(settings.Lora ??= new LoraSettings());
        else if (settings.FullFineTuning.Blocks.Count == 0) settings.FullFineTuning.Blocks.Add("all");
        settings.Memory ??= new MemorySettings();
        settings.Checkpoint ??= new CheckpointSettings();
        if (!settings.Checkpoint.HasEverySteps) settings.Checkpoint.EverySteps = Engine.Checkpoint.EverySteps;
        if (!settings.Checkpoint.HasKeepLast) settings.Checkpoint.KeepLast = Engine.Checkpoint.KeepLast;
        settings.Evaluation ??= new EvaluationSettings();
        if (!settings.Evaluation.HasEverySteps) settings.Evaluation.EverySteps = Engine.Evaluation.EverySteps;
        if (!settings.Evaluation.HasRows) settings.Evaluation.Rows = Engine.Evaluation.Rows;
        if (!settings.Evaluation.HasMetric || settings.Evaluation.Metric == EvaluationSettings.Types.Metric.Unspecified) settings.Evaluation.Metric = EvaluationSettings.Types.Metric.Loss;
        if (!settings.Evaluation.HasPatience) settings.Evaluation.Patience = Engine.Evaluation.Patience;
        settings.Data = FillData(settings.Data ?? new DataSettings());
        if (!settings.HasAutoResume) settings.AutoResume = true;
        return settings;
    }

    public static DataSettings FillData(DataSettings data)
    {
        if (!data.HasShuffle) data.Shuffle = Engine.Data.Shuffle;
        if (!data.HasGroupByLength) data.GroupByLength = Engine.Data.GroupByLength;
        if (!data.HasPacking) data.Packing = Engine.Data.Packing;
        if (!data.HasTruncation || data.Truncation == DataSettings.Types.Truncation.Unspecified) data.Truncation = DataSettings.Types.Truncation.Cut;
        if (!data.HasLabels || data.Labels == DataSettings.Types.Labels.Unspecified) data.Labels = DataSettings.Types.Labels.Completion;
        return data;
    }

    private static void FillLora(LoraSettings lora)
    {
        if (!lora.HasR) lora.R = EngineLora.R;
        if (!lora.HasAlpha) lora.Alpha = EngineLora.Alpha;
        if (!lora.HasDropout) lora.Dropout = EngineLora.Dropout;
        if (!lora.HasUseRslora) lora.UseRslora = EngineLora.UseRslora;
        if (!lora.HasUseDora) lora.UseDora = EngineLora.UseDora;
        if (lora.TargetModules.Count == 0 && !lora.HasTargetModulesRegex && lora.TargetParameters.Count == 0) lora.TargetModules.AddRange(EngineLora.TargetModules);
    }
}
