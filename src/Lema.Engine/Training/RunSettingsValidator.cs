using Lema.Engine.Adapters;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;

namespace Lema.Engine.Training;

/// <summary>Collects everything that is wrong with run settings, before any work starts.</summary>
public static class RunSettingsValidator
{
    /// <exception cref="LemaException">One or several settings are not usable.</exception>
    public static void ThrowIfInvalid(RunSettings settings)
    {
        InvalidInputException[] problems = [.. Problems(settings).Select(p => new InvalidInputException("run settings", p.Key, p.Problem))];
        if (problems.Length == 1) throw problems[0];
        if (problems.Length > 1) throw new InvalidInputsException(problems);
    }

    public static IEnumerable<(string Key, string Problem)> Problems(RunSettings s)
    {
        if (s.Steps is null == s.Epochs is null) yield return ("steps", "exactly one of steps and epochs has to be set.");
        if (s.Steps is < 1) yield return ("steps", $"is {s.Steps}; at least 1.");
        if (s.Epochs is { } epochs && !(epochs > 0 && double.IsFinite(epochs))) yield return ("epochs", $"is {epochs}; a number above 0.");
        if (s.MicroBatchSize < 1) yield return ("microBatchSize", $"is {s.MicroBatchSize}; at least 1.");
        if (s.GradientAccumulation < 1) yield return ("gradientAccumulation", $"is {s.GradientAccumulation}; at least 1.");
        if (s.MaxLength < 2) yield return ("maxLength", $"is {s.MaxLength}; at least 2.");
        if (!IsPositive(s.LearningRate)) yield return ("learningRate", $"is {s.LearningRate}; a number above 0, such as 0.001.");
        if (s.WarmupSteps < 0) yield return ("warmupSteps", $"is {s.WarmupSteps}; at least 0.");
        if (!IsNonNegative(s.WeightDecay)) yield return ("weightDecay", $"is {s.WeightDecay}; at least 0.");
        if (!IsNonNegative(s.ClipGradNorm)) yield return ("clipGradNorm", $"is {s.ClipGradNorm}; at least 0 (0 turns clipping off).");
        if (!(s.AdamBeta1 is >= 0 and < 1)) yield return ("adamBeta1", $"is {s.AdamBeta1}; within 0 and 1.");
        if (!(s.AdamBeta2 is >= 0 and < 1)) yield return ("adamBeta2", $"is {s.AdamBeta2}; within 0 and 1.");
        if (!IsPositive(s.AdamEpsilon)) yield return ("adamEpsilon", $"is {s.AdamEpsilon}; a number above 0.");
        if (s.Checkpoint.EverySteps < 0) yield return ("checkpoint.everySteps", "is negative.");
        if (s.Checkpoint.KeepLast < 1) yield return ("checkpoint.keepLast", $"is {s.Checkpoint.KeepLast}; at least 1.");
        if (s.Evaluation.EverySteps < 0) yield return ("evaluation.everySteps", "is negative.");
        if (s.Evaluation.Patience < 0) yield return ("evaluation.patience", "is negative.");
        if (s.Evaluation.Rows < 1) yield return ("evaluation.rows", $"is {s.Evaluation.Rows}; at least 1.");
        foreach ((string key, string problem) in s.Data.ReplyFormat is { } format ? ReplyFormatCheck.Problems(format) : []) yield return ($"data.replyFormat.{key}", problem);
        if (s.Memory.WeightBytes is < 1) yield return ("memory.weightBytes", "is not a positive number of bytes.");
        if (s.Memory.TotalBytes is < 1) yield return ("memory.totalBytes", "is not a positive number of bytes.");
        if (s.Memory.DeviceBytes is < 1) yield return ("memory.deviceBytes", "is not a positive number of bytes.");
        if (s.Lora is null == s.FullFineTuning is null) yield return ("lora", "exactly one of lora and fullFineTuning has to be set.");
        if (s.Lora is { } lora)
            foreach ((string key, string problem) in Problems(lora)) yield return (key, problem);
    }

    private static IEnumerable<(string Key, string Problem)> Problems(LoraSettings lora)
    {
        if (lora.R < 1) yield return ("lora.r", $"is {lora.R}; a rank is at least 1.");
        if (!IsPositive(lora.Alpha)) yield return ("lora.alpha", $"is {lora.Alpha}; a number above 0.");
        if (!(lora.Dropout is >= 0 and < 1)) yield return ("lora.dropout", $"is {lora.Dropout}; at least 0 and below 1.");
        if (lora.TargetModules.IsEmpty && lora.TargetModulesRegex is null && lora.TargetParameters.IsEmpty)
            yield return ("lora.targetModules", "names nothing to adapt; 'all-linear' takes every linear layer.");
        if (!lora.TargetParameters.IsEmpty && lora.Dropout > 0) yield return ("lora.dropout", "cannot be used with lora.targetParameters: PEFT does not load such an adapter.");
        if (!lora.TargetParameters.IsEmpty && lora.UseDora) yield return ("lora.useDora", "cannot be used with lora.targetParameters: PEFT does not load such an adapter.");
    }

    private static bool IsPositive(double value) => value > 0 && double.IsFinite(value);

    private static bool IsNonNegative(double value) => value >= 0 && double.IsFinite(value);
}
