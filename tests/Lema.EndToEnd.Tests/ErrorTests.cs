namespace Lema.EndToEnd.Tests;

/// <summary>What a user meets when something is wrong, and the exit code a script meets.</summary>
[Collection(OneAtATime.Name)]
public sealed class ErrorTests(Daemon daemon) : IClassFixture<Daemon>
{
    [Theory]
    [InlineData(3, "was not found", "run", "show", "nothing")]
    [InlineData(3, "lema-tiny", "chat", "lema-tyni", "--message", "hello")]
    [InlineData(6, "warmupSteps", "train", "--model", "lema-tiny", "--dataset", "errors", "--set", "steps=1", "--set", "warmupSteps=-1", "--detach")]
    [InlineData(6, "nonsense_proj", "train", "--model", "lema-tiny", "--dataset", "errors", "--set", "steps=1", "--set", "lora.targetModules=nonsense_proj")]
    [InlineData(7, "weightBytes", "train", "--model", "lema-tiny", "--dataset", "errors", "--set", "steps=1", "--set", "memory.weightBytes=1000")]
    [InlineData(7, "weightBytes", "estimate", "--model", "lema-tiny", "--dataset", "errors", "--set", "steps=1", "--set", "memory.weightBytes=1000")]
    [InlineData(4, "cannot be reached", "run", "list", "--host", "http://127.0.0.1:9")]
    [InlineData(3, "nowhere", "run", "list", "--host", "nowhere")]
    [InlineData(2, "Did you mean 'train'", "trian")]
    public async Task Run_SomethingIsWrong_NamesItAndHasItsExitCode(int exitCode, string named, params string[] arguments)
    {
        await daemon.CliAsync("dataset", "build", "errors", "--rows", "20", "--heldout", "5", "--overwrite");

        Finished finished = await daemon.CliAsync([.. arguments, "--format", "json"]);

        Assert.True(finished.ExitCode == exitCode, $"exit code {finished.ExitCode}: {finished.Out}{finished.Error}");
        Assert.Contains(named, finished.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Run_WrongToken_IsNotAllowed()
    {
        string token = Path.Combine(daemon.Home, "wrong.token");
        await File.WriteAllTextAsync(token, "not-the-token");

        Finished finished = await daemon.CliAsync("run", "list", "--token-file", token);

        Assert.Equal(5, finished.ExitCode);
        Assert.Contains("token", finished.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Run_BrokenDataset_IsInvalidInputWithItsLine()
    {
        string file = Path.Combine(daemon.Home, "broken.jsonl");
        await File.WriteAllTextAsync(file, "{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"a\"}\n");

        Finished uploaded = await daemon.CliAsync("dataset", "upload", "broken", file);
        Finished finished = uploaded.ExitCode == 0 ? await daemon.CliAsync("dataset", "validate", "broken") : uploaded;

        Assert.Equal(6, finished.ExitCode);
        Assert.Contains("line 2", finished.Out + finished.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_BrokenModel_IsInvalidInputWithItsFile()
    {
        string folder = Directory.CreateDirectory(Path.Combine(daemon.Home, "broken-model")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "config.json"), "{\"model_type\":\"nonsense\"}");

        Finished finished = await daemon.CliAsync("model", "upload", "broken", folder);

        Assert.Equal(6, finished.ExitCode);
        Assert.Contains("config.json", finished.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_RealDaemon_IsWellAllTheWay()
    {
        Finished finished = await daemon.CliAsync("host", "check");

        Assert.DoesNotContain("FAIL", finished.Succeeded(), StringComparison.Ordinal);
        Assert.Contains("ok    version", finished.Out, StringComparison.Ordinal);
    }
}
