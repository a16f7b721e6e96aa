using System.Text.Json;
using Lema.Engine.Training;
using Lema.Testing;

namespace Lema.Engine.Tests.Training;

/// <summary>A real model of 135 million parameters, trained under a quarter of its weights, against what transformers and PEFT computed in float32.</summary>
public sealed class SmolLm2Tests
{
    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    public void Execute_UnderAQuarterOfTheWeights_FollowsPeftsLosses(Precision precision)
    {
        Assert.SkipUnless(LongTests.AreAskedFor, LongTests.SkipMessage);
        string? reference = ReferenceData.TryPath("models", "smollm2-135m-instruct"), model = ReferenceData.SmolLm2Folder;
        if (reference is null || model is null) Assert.Skip("Run expand.sh of the reference data's smollm2-135m-instruct first.");
        using JsonDocument log = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(reference, "reference.json")));
        double[] expected = [.. log.RootElement.GetProperty("log").EnumerateArray().Select(step => step.GetProperty("loss").GetDouble())];
        using TemporaryFolder run = new();
        RunSettings settings = new()
        {
            Steps = expected.Length, MicroBatchSize = 8, LearningRate = 2e-3, WarmupSteps = 4, Precision = precision, InitAdapter = Path.Combine(reference, "adapter-init"),
            Memory = new() { WeightBytes = new FileInfo(Path.Combine(model, "model.safetensors")).Length / 4 },
        };
        List<double> losses = [];
        TrainingRun.Execute(new(model, Path.Combine(reference, "inputs.safetensors"), null, settings, run.Path), e =>
        {
            if (e is StepCompleted step) losses.Add(step.Loss);
        }, TestContext.Current.CancellationToken);

        Assert.Equal(expected.Length, losses.Count);
        for (int step = 0; step < expected.Length; step++)
        {
            double allowed = precision == Precision.Bf16 ? 0.05 * expected[step] : step < 20 ? 1e-3 : 0.02 * expected[step];
            Assert.True(Math.Abs(losses[step] - expected[step]) <= allowed, $"step {step + 1}: {losses[step]}, expected {expected[step]}");
        }
    }
}
