using Lema.Engine.Checkpoints;
using Lema.Engine.Training;
using Lema.Testing;

namespace Lema.Engine.Tests.Training;

public sealed class LayerUpdatesTests
{
    /// <summary>A limit that no gradient reaches clips nothing but has to be waited for; without one, layers are updated beside the backward pass.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Execute_WithoutClipping_WritesTheBytesOfARunThatWaitsForTheNorm(bool full)
    {
        using TemporaryFolder folder = new();
        (Dictionary<string, byte[]> waited, List<double> waitedNorms) = Train(folder, "waited", full, 1e9);
        (Dictionary<string, byte[]> beside, List<double> besideNorms) = Train(folder, "beside", full, 0);
        Assert.NotEmpty(waited);
        Assert.Equal(waited, beside);
        Assert.All(waitedNorms.Zip(besideNorms), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * pair.First));
    }

    private static (Dictionary<string, byte[]> Files, List<double> Norms) Train(TemporaryFolder folder, string name, bool full, double clipGradNorm)
    {
        string dataset = folder.File("rows.jsonl");
        File.WriteAllLines(dataset, Enumerable.Range(0, 12).Select(i => $$"""{"prompt":"What is {{i}} plus {{i * 3}}?","completion":" It is {{i * 4}}."}"""));
        RunSettings settings = new()
        {
            Steps = 2, MicroBatchSize = 4, MaxLength = 64, Precision = Precision.Fp32, ClipGradNorm = clipGradNorm, Lora = full ? null : new() { R = 4 }, FullFineTuning = full ? new() : null,
        };
        List<double> norms = [];
        TrainingRun.Execute(new(TinyModel.Folder, dataset, null, settings, folder.File(name)), e =>
        {
            if (e is StepCompleted step) norms.Add(step.GradientNorm);
        }, TestContext.Current.CancellationToken);
        string checkpoint = folder.File(Path.Combine(name, "checkpoints", "checkpoint-2"));
        return (Directory.GetFiles(checkpoint, "*.safetensors").ToDictionary(file => Path.GetFileName(file), File.ReadAllBytes), norms);
    }
}
