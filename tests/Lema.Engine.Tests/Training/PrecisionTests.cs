using Lema.Engine.Training;
using Lema.Testing;

namespace Lema.Engine.Tests.Training;

public sealed class PrecisionTests
{
    private const int Steps = 12;

    // bfloat16 has three bits less than float16: eight times the rounding.
    private const double Float16Share = 0.002, BFloat16Share = 8 * Float16Share;

    private static readonly Lazy<List<double>> Float32 = new(() => Losses(Precision.Fp32));

    [Theory]
    [InlineData(Precision.Bf16, BFloat16Share)]
    [InlineData(Precision.Fp16, Float16Share)]
    public void Execute_InHalfPrecision_FollowsTheLossesOfFloat32(Precision precision, double share)
    {
        List<double> losses = Losses(precision);
        Assert.True(losses[^1] < 0.7 * losses[0], "Nothing was learned.");
        Assert.All(Float32.Value.Zip(losses), pair => Assert.InRange(pair.Second, pair.First * (1 - share), pair.First * (1 + share)));
    }

    private static List<double> Losses(Precision precision)
    {
        using TemporaryFolder folder = new();
        string dataset = folder.File("rows.jsonl");
        File.WriteAllLines(dataset, Enumerable.Range(0, 24).Select(i => $$"""{"prompt":"What is {{i}} plus {{i * 3}}?","completion":" It is {{i * 4}}."}"""));
        RunSettings settings = new() { Steps = Steps, MicroBatchSize = 4, MaxLength = 64, LearningRate = 2e-3, Precision = precision, Lora = new() { R = 8 }, Checkpoint = new() { EverySteps = 0 } };
        List<double> losses = [];
        TrainingRun.Execute(new(TinyModel.Folder, dataset, null, settings, folder.File("run")), e =>
        {
            if (e is StepCompleted step) losses.Add(step.Loss);
        }, TestContext.Current.CancellationToken);
        return losses;
    }
}
