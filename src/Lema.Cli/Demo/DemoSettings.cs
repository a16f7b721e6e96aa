using Lema.Protocol.V1;

namespace Lema.Cli.Demo;

/// <summary>What the demo trains with. Chosen on splits of other seeds than the ones it is shown with.</summary>
internal static class DemoSettings
{
    public const string Model = "lema-tiny";

    public const long DefaultSeed = 2026;
    public const int TrainingRows = 5000;
    public const int HeldOutQuestions = 300;
    public const int Steps = 250;

    /// <summary>Tokens a reply may have; the longest reply of the format has less than half.</summary>
    public const int ReplyTokens = 128;

    /// <summary>Two thirds of the model: weights have to be streamed.</summary>
    public const long WeightBudgetBytes = 5_000_000;

    public static RunSettings Settings(long seed) => new()
    {
        Seed = unchecked((int)(seed & int.MaxValue)),
        Steps = Steps,
        MicroBatchSize = 16,
        MaxLength = 128,
        LearningRate = 1e-3,
        WarmupSteps = 10,
        Precision = RunSettings.Types.Precision.Fp32,
        Lora = new LoraSettings { R = 16, Alpha = 16, TargetModules = { "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj" } },
        Memory = new MemorySettings { WeightBytes = WeightBudgetBytes },
        Checkpoint = new CheckpointSettings { EverySteps = 50 },
    };
}
