using System.Text.Json;

namespace Lema.EndToEnd.Tests;

/// <summary>The road that work takes: dataset, training, chat, evaluation, merge, download; each step by the program a user has.</summary>
[Collection(OneAtATime.Name)]
public sealed class RoadTests(Daemon daemon) : IClassFixture<Daemon>
{
    [Fact]
    public async Task Road_FromDatasetToMergedFolder_Works()
    {
        (await daemon.CliAsync("dataset", "build", "replies", "--rows", "400", "--heldout", "20", "--seed", "5")).Succeeded();
        JsonElement preview = Json(await daemon.CliAsync("dataset", "preview", "replies", "--count", "1", "--format", "json"));
        Assert.Contains(preview.GetProperty("rows")[0].GetProperty("tokens").EnumerateArray(), t => t.GetProperty("carriesLoss").GetBoolean());

        JsonElement rows = Json(await daemon.CliAsync("dataset", "validate", "replies", "--model", "lema-tiny", "--format", "json"));
        JsonElement estimate = Json(await daemon.CliAsync("estimate", "--model", "lema-tiny", "--dataset", "replies", "--set", "steps=12", "--set", "microBatchSize=8", "--format", "json"));
        Assert.Equal(8 * rows.GetProperty("meanRowTokens").GetDouble(), estimate.GetProperty("meanTokensPerStep").GetDouble(), precision: 6);
        Assert.Equal("4096", estimate.GetProperty("tokensPerStep").GetString());

        Finished trained = await daemon.CliAsync(
            "train", "--model", "lema-tiny", "--dataset", "replies", "--name", "road", "--set", "steps=12", "--set", "microBatchSize=8", "--set", "learningRate=1.5e-3",
            "--set", "precision=fp32", "--set", "memory.weightBytes=5000000", "--set", "checkpoint.everySteps=6", "--format", "json");
        trained.Succeeded();
        Assert.Equal(Enumerable.Range(1, 12).Select(i => (long)i), Steps(trained.Lines));
        JsonElement run = JsonDocument.Parse(trained.Lines[^1]).RootElement;
        Assert.Equal("RUN_STATE_COMPLETED", run.GetProperty("summary").GetProperty("state").GetString());
        Assert.Equal(["6", "12"], run.GetProperty("checkpoints").EnumerateArray().Select(c => c.GetProperty("step").GetString()));

        Assert.Contains("road", (await daemon.CliAsync("run", "list")).Succeeded(), StringComparison.Ordinal);
        Assert.NotEqual("", (await daemon.CliAsync("chat", "road", "--message", "What is the capital of France?", "--max-tokens", "16")).Succeeded().Trim());
        string questions = Path.Combine(daemon.Home, "questions.jsonl");
        await File.WriteAllTextAsync(questions, """{"question":"What is the capital of France?","expected":"Paris"}""" + "\n");
        JsonElement result = Json(await daemon.CliAsync("eval", "road", "--questions", questions, "--max-tokens", "64", "--format", "json"));
        Assert.Equal(1, result.GetProperty("questions").GetInt32());

        string merged = Path.Combine(daemon.Home, "merged");
        (await daemon.CliAsync("merge", "road", "--dtype", "float32", "--output", merged)).Succeeded();
        Assert.True(File.Exists(Path.Combine(merged, "model.safetensors")) || File.Exists(Path.Combine(merged, "model.safetensors.index.json")));
        Assert.True(File.Exists(Path.Combine(merged, "config.json")) && File.Exists(Path.Combine(merged, "tokenizer.json")));

        string artifacts = Path.Combine(daemon.Home, "artifacts");
        (await daemon.CliAsync("artifact", "download", "road", "--output", artifacts)).Succeeded();
        Assert.NotEmpty(Directory.GetFiles(artifacts, "adapter_model.safetensors", SearchOption.AllDirectories));
    }

    private static IEnumerable<long> Steps(IEnumerable<string> lines) => lines
        .Select(l => JsonDocument.Parse(l).RootElement)
        .Where(l => l.TryGetProperty("events", out _))
        .SelectMany(l => l.GetProperty("events").GetProperty("events").EnumerateArray())
        .Where(e => e.TryGetProperty("steps", out _))
        .SelectMany(e => e.GetProperty("steps").GetProperty("points").EnumerateArray())
        .Select(p => long.Parse(p.GetProperty("step").GetString()!, System.Globalization.CultureInfo.InvariantCulture));

    private static JsonElement Json(Finished finished) => JsonDocument.Parse(finished.Succeeded().TrimEnd().Split('\n')[^1]).RootElement;
}
