using System.Globalization;
using System.Text.Json;
using Lema.Testing;

namespace Lema.EndToEnd.Tests;

/// <summary>
/// A tuned model answers in the form it learned on questions it never saw, and predicts plain text nearly as well as before. The page is Lincoln's address at Gettysburg.
/// </summary>
[Collection(OneAtATime.Name)]
public sealed class RetentionTests(Daemon daemon) : IClassFixture<Daemon>
{
    private const double MostPerplexityOverBase = 1.1;

    private static readonly string Page = Path.Combine(AppContext.BaseDirectory, "Pages", "gettysburg-address.txt");

    [Fact]
    public async Task LemaTiny_AfterTheDemosTraining_PredictsPlainTextAsBefore()
    {
        Assert.SkipUnless(LongTests.AreAskedFor, LongTests.SkipMessage);
        (await daemon.CliAsync("dataset", "build", "replies", "--rows", "5000", "--heldout", "100", "--seed", "5")).Succeeded();
        await TrainAsync("tiny", "lema-tiny", "replies", "steps=250", "microBatchSize=16", "learningRate=1e-3", "lora.alpha=16", "precision=fp32", "memory.weightBytes=5000000");
        await CheckAsync("tiny", "replies-heldout");
    }

    [Fact]
    public async Task SmolLm2_UnderAQuarterOfItsWeights_LearnsTheFormAndKeepsItsLanguage()
    {
        Assert.SkipUnless(LongTests.AreAskedFor, LongTests.SkipMessage);
        string? reference = ReferenceData.TryPath("models", "smollm2-135m-instruct"), model = ReferenceData.SmolLm2Folder;
        if (reference is null || model is null) Assert.Skip("Run expand.sh of the reference data's smollm2-135m-instruct first.");
        (await daemon.CliAsync("model", "upload", "smollm2", model)).Succeeded();
        (await daemon.CliAsync("dataset", "upload", "inputs", Path.Combine(reference, "inputs.safetensors"))).Succeeded();
        (await daemon.CliAsync("artifact", "upload", "adapter/init", Path.Combine(reference, "adapter-init"))).Succeeded();
        (await daemon.CliAsync("dataset", "build", "questions", "--rows", "10", "--heldout", "60", "--seed", "9")).Succeeded();
        long weights = new FileInfo(Path.Combine(model, "model.safetensors")).Length / 4;
        await TrainAsync("smol", "smollm2", "inputs", "steps=40", "microBatchSize=8", "learningRate=2e-3", "warmupSteps=4", "precision=fp32", "initAdapter=init",
            string.Create(CultureInfo.InvariantCulture, $"memory.weightBytes={weights}"));
        await CheckAsync("smol", "questions-heldout");

        // The run names no reply format: that its rows have one is seen, and the model's own chat template is not used.
        string reply = (await daemon.CliAsync("chat", "smol", "--message", "What is the capital of Norway?", "--temperature", "0")).Succeeded();
        Assert.StartsWith("[LEMA_REPLY]\nAnswer: ", reply, StringComparison.Ordinal);
        string merged = Path.Combine(daemon.Home, "merged");
        (await daemon.CliAsync("merge", "smol", "--output", merged)).Succeeded();
        Assert.True(File.Exists(Path.Combine(merged, "config.json")) && File.Exists(Path.Combine(merged, "tokenizer.json")));
    }

    private async Task TrainAsync(string run, string model, string dataset, params string[] settings) =>
        (await daemon.CliAsync(["train", "--model", model, "--dataset", dataset, "--name", run, .. settings.SelectMany(setting => new[] { "--set", setting })])).Succeeded();

    private async Task CheckAsync(string run, string questions)
    {
        JsonElement tuned = await EvaluateAsync(run, "--dataset", questions), untrained = await EvaluateAsync(run, "--dataset", questions, "--base", "--limit", "30");
        int asked = tuned.GetProperty("questions").GetInt32(), valid = tuned.GetProperty("validFormat").GetInt32();
        Assert.True(valid >= 0.95 * asked, $"{valid} of {asked} replies have the form");
        Assert.Equal(0, untrained.TryGetProperty("validFormat", out JsonElement before) ? before.GetInt32() : 0);

        double after = (await EvaluateAsync(run, "--text", Page)).GetProperty("perplexity").GetDouble();
        double atFirst = (await EvaluateAsync(run, "--text", Page, "--base")).GetProperty("perplexity").GetDouble();
        Assert.True(after <= MostPerplexityOverBase * atFirst, $"perplexity {after}, base {atFirst}");
    }

    private async Task<JsonElement> EvaluateAsync(params string[] arguments) =>
        JsonDocument.Parse((await daemon.CliAsync(["eval", .. arguments, "--format", "json"])).Succeeded().TrimEnd().Split('\n')[^1]).RootElement;
}
