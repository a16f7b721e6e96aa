using System.Text.Json;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Evaluation;
using Lema.Engine.Generation;
using Lema.Engine.Models;
using Lema.Engine.Training;
using Lema.Testing;

namespace Lema.Engine.Tests.Training;

/// <summary>The run that PEFT made on lema-tiny: same rows, same start, same losses, replies as good.</summary>
public sealed class ReferenceRunTests
{
    private const int Steps = 200, Closely = 25;

    [Fact]
    public void Execute_TheFirstSteps_FollowPeftsLosses()
    {
        using TemporaryFolder run = new();
        (double[] expected, List<double> losses) = Train(run.Path, Closely);
        AssertFollows(expected, losses);
    }

    [Fact]
    public void Execute_TheWholeRun_EndsWherePeftEndedWithRepliesAsGood()
    {
        Assert.SkipUnless(LongTests.AreAskedFor, LongTests.SkipMessage);
        using TemporaryFolder run = new();
        (double[] expected, List<double> losses) = Train(run.Path, Steps);
        AssertFollows(expected, losses);
        double mean = expected[^Closely..].Average();
        Assert.InRange(losses[^Closely..].Average(), mean * 0.95, mean * 1.05);

        string model = Reference("model");
        Tokenizer tokenizer = Tokenizer.Load(model);
        using LanguageModel tuned = LanguageModel.Open(model, new() { Precision = Precision.Fp32, Adapters = ModelOptions.FromFolder(Path.Combine(run.Path, "checkpoints", $"checkpoint-{Steps}")) });
        ReplyEvaluation replies = new ReplyEvaluator(tuned, tokenizer, EndTokens.Read(model, tokenizer), ReplyFormat.Lema).Evaluate([.. HeldOut()]);
        // PEFT: 99.3 % of the format and 98.7 % right; one row is 0.33 points
        Assert.True(replies.ValidFormat >= 0.98 * replies.Questions, $"{replies.ValidFormat} of {replies.Questions} valid");
        Assert.True(replies.RightAnswers >= 0.97 * replies.Questions, $"{replies.RightAnswers} of {replies.Questions} right");
    }

    private static void AssertFollows(double[] expected, List<double> losses) =>
        Assert.All(expected.Take(Closely).Zip(losses), pair => Assert.InRange(pair.Second, pair.First - 1e-3, pair.First + 1e-3));

    private static string Reference(params string[] parts) => ReferenceData.TryPath(["lema-tiny", .. parts]) ?? throw new FileNotFoundException(string.Join('/', parts));

    private static (double[] Expected, List<double> Losses) Train(string run, int steps)
    {
        if (ReferenceData.TryPath("lema-tiny") is null) Assert.Skip(ReferenceData.SkipMessage);
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(Reference("reference-run.json")));
        double[] expected = [.. reference.RootElement.GetProperty("losses").EnumerateArray().Select(loss => loss.GetDouble())];
        List<double> losses = [];
        using CancellationTokenSource stop = new();
        RunSettings settings = new()
        {
            Steps = Steps, MicroBatchSize = 16, LearningRate = 1e-3, WarmupSteps = 10, WarmupStart = WarmupStart.One, Precision = Precision.Fp32,
            InitAdapter = Reference("reference-run", "adapter-init"), Data = new() { Shuffle = false }, Memory = new() { WeightBytes = 4 << 20 },
        };
        TrainingRun.Execute(new(Reference("model"), Pairs(run), null, settings, run), e =>
        {
            if (e is not StepCompleted step) return;
            losses.Add(step.Loss);
            if (losses.Count == steps && steps < Steps) stop.Cancel();
        }, stop.Token);
        Assert.Equal(steps, losses.Count);
        return (expected, losses);
    }

    private static IEnumerable<ReplyQuestion> HeldOut()
    {
        FactBase facts = FactBase.BuiltIn;
        Dictionary<(string, string), string> objects = facts.Facts.ToDictionary(fact => (fact.Relation, fact.Subject), fact => fact.Object);
        return File.ReadLines(Reference("sft-sample", "heldout.jsonl")).Select(Fields).Select(row => new ReplyQuestion(row["question"], objects[(row["relation"], row["subject"])]));
    }

    /// <summary>The rows, given as fields of the reply format, as prompt and completion.</summary>
    private static string Pairs(string folder)
    {
        string file = Path.Combine(folder, "pairs.jsonl");
        File.WriteAllLines(file, File.ReadLines(Reference("sft-sample", "train.jsonl")).Select(Fields).Select(row =>
        {
            string completion = $"[LEMA_REPLY]\nAnswer: {row["answer"]}\nExplanation: {row["explanation"]}\nConfidence: {row["confidence"]}\n[/LEMA_REPLY]";
            return JsonSerializer.Serialize(new { prompt = ReplyFormat.Lema.Prompt(row["question"]), completion });
        }));
        return file;
    }

    private static Dictionary<string, string> Fields(string line) => JsonSerializer.Deserialize<Dictionary<string, string>>(line)!;
}
