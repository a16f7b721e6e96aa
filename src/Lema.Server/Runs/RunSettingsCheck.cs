using System.Text.RegularExpressions;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.EngineJobs;

namespace Lema.Server.Runs;

/// <summary>Finds every problem of a run's settings that can be told without the model. Takes settings whose defaults are filled in.</summary>
internal static class RunSettingsCheck
{
    private const string Source = "settings";

    public static IEnumerable<InvalidInputException> Problems(RunSettings s)
    {
        if (s.HasSteps == s.HasEpochs) yield return Problem("steps", s.HasSteps ? "set steps or epochs, not both." : "set how long to train: steps or epochs.");
        if (s.HasSteps && s.Steps < 1) yield return Problem("steps", $"{s.Steps} is too small: at least 1.");
        if (s.HasEpochs && !(s.Epochs > 0 && s.Epochs <= 1e6)) yield return Problem("epochs", $"{s.Epochs} is not between 0 and 1,000,000.");
        if (s.MicroBatchSize is < 1 or > 65_536) yield return Problem("microBatchSize", $"{s.MicroBatchSize} is not between 1 and 65,536.");
        if (s.GradientAccumulation is < 1 or > 65_536) yield return Problem("gradientAccumulation", $"{s.GradientAccumulation} is not between 1 and 65,536.");
        if (s.MaxLength is < 2 or > 1 << 24) yield return Problem("maxLength", $"{s.MaxLength} is not between 2 and 16,777,216.");
        if (!(s.LearningRate > 0 && s.LearningRate <= 100)) yield return Problem("learningRate", $"{s.LearningRate} is not between 0 and 100.");
        if (s.WarmupSteps < 0) yield return Problem("warmupSteps", $"{s.WarmupSteps} is negative.");
        if (s.HasSteps && s.WarmupSteps > s.Steps) yield return Problem("warmupSteps", $"{s.WarmupSteps} is more than the run's {s.Steps} steps.");
        if (!(s.WeightDecay >= 0 && s.WeightDecay <= 1)) yield return Problem("weightDecay", $"{s.WeightDecay} is not between 0 and 1.");
        if (!(s.AdamBeta1 >= 0 && s.AdamBeta1 < 1)) yield return Problem("adamBeta1", $"{s.AdamBeta1} is not at least 0 and less than 1.");
        if (!(s.AdamBeta2 >= 0 && s.AdamBeta2 < 1)) yield return Problem("adamBeta2", $"{s.AdamBeta2} is not at least 0 and less than 1.");
        if (!(s.AdamEpsilon > 0 && s.AdamEpsilon <= 1)) yield return Problem("adamEpsilon", $"{s.AdamEpsilon} is not between 0 and 1.");
        if (!(s.ClipGradNorm >= 0 && double.IsFinite(s.ClipGradNorm))) yield return Problem("clipGradNorm", $"{s.ClipGradNorm} is not 0 (off) or a positive number.");
        if (!Enum.IsDefined(s.Schedule)) yield return Problem("schedule", $"{(int)s.Schedule} is no schedule: cosine, linear or constant.");
        if (!Enum.IsDefined(s.WarmupStart)) yield return Problem("warmupStart", $"{(int)s.WarmupStart} is not zero or one.");
        if (!Enum.IsDefined(s.Precision)) yield return Problem("precision", $"{(int)s.Precision} is not fp32, bf16 or fp16.");
        if (s.Lora is not null && s.FullFineTuning is not null) yield return Problem("fullFineTuning", "a run trains LoRA or the base model, not both: remove one of lora and fullFineTuning.");
        foreach (InvalidInputException problem in LoraProblems(s.Lora)) yield return problem;
        foreach (InvalidInputException problem in BudgetProblems(s.Memory)) yield return problem;
        if (s.Checkpoint.EverySteps < 0) yield return Problem("checkpoint.everySteps", $"{s.Checkpoint.EverySteps} is negative.");
        if (s.Checkpoint.KeepLast < 1) yield return Problem("checkpoint.keepLast", $"{s.Checkpoint.KeepLast} is too small: at least 1.");
        if (s.Evaluation.EverySteps < 0) yield return Problem("evaluation.everySteps", $"{s.Evaluation.EverySteps} is negative.");
        if (s.Evaluation.Patience < 0) yield return Problem("evaluation.patience", $"{s.Evaluation.Patience} is negative.");
        if (s.Evaluation.Rows < 0) yield return Problem("evaluation.rows", $"{s.Evaluation.Rows} is negative.");
        foreach (InvalidInputException problem in s.Data.ReplyFormat is { } format ? ReplyFormatMapping.Problems(format, "data.replyFormat") : []) yield return problem;
    }

    private static IEnumerable<InvalidInputException> LoraProblems(LoraSettings? lora)
    {
        if (lora is null) yield break;
        if (lora.R is < 1 or > 65_536) yield return Problem("lora.r", $"{lora.R} is not between 1 and 65,536.");
        if (!(lora.Alpha > 0 && double.IsFinite(lora.Alpha))) yield return Problem("lora.alpha", $"{lora.Alpha} is not a positive number.");
        if (!(lora.Dropout >= 0 && lora.Dropout < 1)) yield return Problem("lora.dropout", $"{lora.Dropout} is not at least 0 and less than 1.");
        if (lora.HasTargetModulesRegex && lora.TargetModules.Count > 0) yield return Problem("lora.targetModulesRegex", "set targetModules or targetModulesRegex, not both.");
        if (lora.HasTargetModulesRegex && !IsRegex(lora.TargetModulesRegex)) yield return Problem("lora.targetModulesRegex", "is no regular expression.");
        if (lora.TargetModules.Any(string.IsNullOrWhiteSpace)) yield return Problem("lora.targetModules", "holds an empty name.");
        foreach ((string pattern, int r) in lora.RankPattern) if (r < 1) yield return Problem($"lora.rankPattern.{pattern}", $"{r} is too small: at least 1.");
        foreach ((string pattern, double alpha) in lora.AlphaPattern) if (!(alpha > 0 && double.IsFinite(alpha))) yield return Problem($"lora.alphaPattern.{pattern}", $"{alpha} is not a positive number.");
        if (lora.LayersToTransform.Any(layer => layer < 0)) yield return Problem("lora.layersToTransform", "holds a negative layer.");
    }

    private static IEnumerable<InvalidInputException> BudgetProblems(MemorySettings memory)
    {
        if (memory.HasWeightBytes && memory.WeightBytes <= 0) yield return Problem("memory.weightBytes", $"{memory.WeightBytes} is not positive.");
        if (memory.HasTotalBytes && memory.TotalBytes <= 0) yield return Problem("memory.totalBytes", $"{memory.TotalBytes} is not positive.");
        if (memory.HasDeviceBytes && memory.DeviceBytes <= 0) yield return Problem("memory.deviceBytes", $"{memory.DeviceBytes} is not positive.");
        if (memory is { HasWeightBytes: true, HasTotalBytes: true } && memory.WeightBytes > memory.TotalBytes)
            yield return Problem("memory.weightBytes", "is more than memory.totalBytes, of which it is a part.");
    }

    private static bool IsRegex(string pattern)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking);
            return true;
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    private static InvalidInputException Problem(string key, string problem) => new(Source, key, problem);
}
