using Lema.Engine.Adapters;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;
using Lema.Engine.Generation;
using Lema.Engine.Models;
using Lema.Engine.Training;
using Lema.Testing;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Training;

/// <summary>A run that makes replies between its steps.</summary>
public sealed class RestingRunTests
{
    private const int Steps = 6;

    [Fact]
    public void Lend_BetweenSteps_MakesTheCheckpointsRepliesAndChangesNothingOfTheRun()
    {
        using TemporaryFolder folder = new();
        string whole = Path.Combine(folder.Path, "whole"), asked = Path.Combine(folder.Path, "asked");
        Train(folder.Path, whole, null);
        string checkpoint = Path.Combine(asked, "checkpoints", "checkpoint-2");
        List<string> replies = [];
        Train(folder.Path, asked, resting =>
        {
            if (!Directory.Exists(checkpoint)) return;
            resting.Lend(checkpoint, generator => replies.Add(Reply(generator)));
            resting.Lend("", generator => replies.Add(Reply(generator)));
        });

        Assert.Equal(2 * (Steps - 2), replies.Count);
        Assert.All(replies.Where((_, i) => i % 2 == 0), reply => Assert.Equal(ReplyOf(ModelOptions.FromFolder(Path.Combine(whole, "checkpoints", "checkpoint-2"))), reply));
        Assert.All(replies.Where((_, i) => i % 2 == 1), reply => Assert.Equal(ReplyOf(null), reply));
        foreach (string name in (string[])["adapter_model.safetensors", "optimizer.safetensors"])
            Assert.True(File.ReadAllBytes(FileOf(whole, name)).AsSpan().SequenceEqual(File.ReadAllBytes(FileOf(asked, name))), name);
    }

    [Fact]
    public void Lend_OfAnAdapterThatTakesMoreThanIsFree_IsRefusedWithBothFigures()
    {
        using TemporaryFolder folder = new();
        string large = Path.Combine(folder.Path, "large");
        Directory.CreateDirectory(large);
        using (FileStream file = File.Create(Path.Combine(large, AdapterFolder.WeightsName))) file.SetLength(1L << 40);
        BudgetExceededException? refused = null;
        Train(folder.Path, Path.Combine(folder.Path, "run"), resting => refused = Assert.Throws<BudgetExceededException>(() => resting.Lend(large, _ => Assert.Fail("It was lent."))));
        Assert.Equal(1L << 40, refused!.RequiredBytes);
        Assert.InRange(refused.BudgetBytes, 1, 1L << 40);
    }

    private static string FileOf(string run, string name) => Path.Combine(run, "checkpoints", $"checkpoint-{Steps}", name);

    private static void Train(string folder, string run, Action<RestingRun>? betweenSteps)
    {
        string dataset = Path.Combine(folder, "rows.jsonl");
        File.WriteAllLines(dataset, Enumerable.Range(0, 9).Select(i =>
            System.Text.Json.JsonSerializer.Serialize(new { prompt = ReplyFormat.Lema.Prompt($"What is {i} plus {i * 3}?"), completion = $"It is {i * 4}." })));
        RunSettings settings = new()
        {
            Steps = Steps, MicroBatchSize = 2, MaxLength = 96, Precision = Precision.Fp32, Seed = 7, LearningRate = 1e-2, Lora = new() { R = 4, Dropout = 0.1 },
            Memory = new() { WeightBytes = 8_000_000 }, Checkpoint = new() { EverySteps = 2 },
        };
        TrainingRun.Execute(new(TinyModel.Folder, dataset, null, settings, run), _ => { }, CancellationToken.None, betweenSteps);
    }

    private static string ReplyOf(Func<DecoderModel, Engine.Weights.GlobalBinaryIndex, AdapterWeights>? adapters)
    {
        using var scope = NewDisposeScope();
        using LanguageModel model = LanguageModel.Open(TinyModel.Folder, new ModelOptions { Precision = Precision.Fp32, Adapters = adapters });
        return Reply(new Engine.Generation.Generator(model));
    }

    private static string Reply(Engine.Generation.Generator generator) => string.Join(' ', generator.Generate(
        [new GenerationRequest { Prompt = TinyModel.Tokenizer.EncodePrompt(ReplyFormat.Lema.Prompt("What is 2 plus 6?")), MaxNewTokens = 24 }])[0].Tokens);
}
