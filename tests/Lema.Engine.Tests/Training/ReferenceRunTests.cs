using System.Text.Json;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Training;
using Lema.Testing;

namespace Lema.Engine.Tests.Training;

public sealed class ReferenceRunTests
{
    [Fact]
    public void Execute_OnTheReferenceRows_FollowsPeftsLosses()
    {
        string? folder = ReferenceData.TryPath("lema-tiny");
        if (folder is null) Assert.Skip(ReferenceData.SkipMessage);
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "reference-run.json")));
        double[] expected = [.. reference.RootElement.GetProperty("losses").EnumerateArray().Take(25).Select(loss => loss.GetDouble())];
        string run = Directory.CreateTempSubdirectory("lema-run").FullName;
        try
        {
            List<double> losses = [];
            using CancellationTokenSource stop = new();
            RunSettings settings = new()
            {
                Steps = 200, MicroBatchSize = 16, LearningRate = 1e-3, WarmupSteps = 10, WarmupStart = WarmupStart.One, Precision = Precision.Fp32,
                InitAdapter = Path.Combine(folder, "reference-run", "adapter-init"), Data = new() { Shuffle = false }, Memory = new() { WeightBytes = 4 << 20 },
            };
            TrainingRun.Execute(new(Path.Combine(folder, "model"), Pairs(Path.Combine(folder, "sft-sample", "train.jsonl"), run), null, settings, run), e =>
            {
                if (e is not StepCompleted step) return;
                losses.Add(step.Loss);
                if (losses.Count == expected.Length) stop.Cancel();
            }, stop.Token);
            Assert.Equal(expected.Length, losses.Count);
            Assert.All(expected.Zip(losses), pair => Assert.InRange(pair.Second, pair.First - 1e-3, pair.First + 1e-3));
        }
        finally
        {
            Directory.Delete(run, recursive: true);
        }
    }

    /// <summary>The rows, given as fields of the reply format, as prompt and completion.</summary>
    private static string Pairs(string rows, string folder)
    {
        string file = Path.Combine(folder, "pairs.jsonl");
        File.WriteAllLines(file, File.ReadLines(rows).Select(line =>
        {
            Dictionary<string, string> row = JsonSerializer.Deserialize<Dictionary<string, string>>(line)!;
            string completion = $"[LEMA_REPLY]\nAnswer: {row["answer"]}\nExplanation: {row["explanation"]}\nConfidence: {row["confidence"]}\n[/LEMA_REPLY]";
            return JsonSerializer.Serialize(new { prompt = ReplyFormat.Lema.Prompt(row["question"]), completion });
        }));
        return file;
    }
}
