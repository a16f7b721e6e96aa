using Lema.Engine.Adapters;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;
using Lema.Engine.Training;

namespace Lema.Engine.Tests.Training;

public sealed class RunSettingsValidatorTests
{
    private static readonly RunSettings Valid = new() { Steps = 1, Lora = new() };

    public static TheoryData<string, RunSettings> Wrong => new()
    {
        { "steps", Valid with { Epochs = 1 } },
        { "steps", Valid with { Steps = null } },
        { "steps", Valid with { Steps = 0 } },
        { "epochs", Valid with { Steps = null, Epochs = 0 } },
        { "epochs", Valid with { Steps = null, Epochs = double.PositiveInfinity } },
        { "microBatchSize", Valid with { MicroBatchSize = 0 } },
        { "gradientAccumulation", Valid with { GradientAccumulation = 0 } },
        { "maxLength", Valid with { MaxLength = 1 } },
        { "learningRate", Valid with { LearningRate = 0 } },
        { "learningRate", Valid with { LearningRate = double.NaN } },
        { "learningRate", Valid with { LearningRate = double.PositiveInfinity } },
        { "warmupSteps", Valid with { WarmupSteps = -1 } },
        { "weightDecay", Valid with { WeightDecay = -0.1 } },
        { "weightDecay", Valid with { WeightDecay = double.PositiveInfinity } },
        { "clipGradNorm", Valid with { ClipGradNorm = -1 } },
        { "adamBeta1", Valid with { AdamBeta1 = 1 } },
        { "adamBeta1", Valid with { AdamBeta1 = -0.1 } },
        { "adamBeta2", Valid with { AdamBeta2 = 1 } },
        { "adamBeta2", Valid with { AdamBeta2 = double.NaN } },
        { "adamEpsilon", Valid with { AdamEpsilon = 0 } },
        { "checkpoint.everySteps", Valid with { Checkpoint = new() { EverySteps = -1 } } },
        { "checkpoint.keepLast", Valid with { Checkpoint = new() { KeepLast = 0 } } },
        { "evaluation.everySteps", Valid with { Evaluation = new() { EverySteps = -1 } } },
        { "evaluation.patience", Valid with { Evaluation = new() { Patience = -1 } } },
        { "evaluation.rows", Valid with { Evaluation = new() { Rows = 0 } } },
        { "memory.weightBytes", Valid with { Memory = new() { WeightBytes = 0 } } },
        { "memory.totalBytes", Valid with { Memory = new() { TotalBytes = -1 } } },
        { "memory.deviceBytes", Valid with { Memory = new() { DeviceBytes = 0 } } },
        { "data.replyFormat.open", Valid with { Data = new() { ReplyFormat = ReplyFormat.Lema with { OpenTag = "" } } } },
        { "lora", Valid with { Lora = null } },
        { "lora", Valid with { FullFineTuning = new() } },
        { "lora.r", Valid with { Lora = new() { R = 0 } } },
        { "lora.alpha", Valid with { Lora = new() { Alpha = 0 } } },
        { "lora.dropout", Valid with { Lora = new() { Dropout = 1 } } },
        { "lora.dropout", Valid with { Lora = new() { Dropout = -0.1 } } },
        { "lora.targetModules", Valid with { Lora = new() { TargetModules = [] } } },
        { "lora.dropout", Valid with { Lora = new() { TargetModules = [], TargetParameters = ["experts.down_proj"], Dropout = 0.1 } } },
        { "lora.useDora", Valid with { Lora = new() { TargetModules = [], TargetParameters = ["experts.down_proj"], UseDora = true } } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void ThrowIfInvalid_OfOneWrongSetting_NamesIt(string key, RunSettings settings) =>
        Assert.Equal(key, Assert.Throws<InvalidInputException>(() => RunSettingsValidator.ThrowIfInvalid(settings)).Place);

    [Fact]
    public void ThrowIfInvalid_OfSeveral_NamesThemAll()
    {
        string message = Assert.Throws<InvalidInputsException>(() => RunSettingsValidator.ThrowIfInvalid(Valid with { Steps = -2, MaxLength = 0, Lora = new() { R = 0 } })).Message;
        foreach (string key in (string[])["steps", "maxLength", "lora.r"]) Assert.Contains(key, message, StringComparison.Ordinal);
    }

    [Fact]
    public void ThrowIfInvalid_OfValidSettings_SaysNothing()
    {
        RunSettingsValidator.ThrowIfInvalid(Valid);
        RunSettingsValidator.ThrowIfInvalid(Valid with { Steps = null, Epochs = 0.5, Lora = null, FullFineTuning = new(), Memory = new() { WeightBytes = 1, TotalBytes = 2, DeviceBytes = 3 } });
        RunSettingsValidator.ThrowIfInvalid(Valid with { Lora = new LoraSettings { TargetModules = [], TargetModulesRegex = ".*q_proj" } });
    }
}
