using System.Diagnostics;

namespace Lema.EndToEnd.Tests;

/// <summary>The program at a pseudo-terminal, made by util-linux's <c>script</c>.</summary>
[Collection(OneAtATime.Name)]
public sealed class TerminalTests(Daemon daemon) : IClassFixture<Daemon>
{
    private const string Script = "/usr/bin/script";

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(200)]
    public async Task ModelList_AtATerminal_FitsItsWidth(int columns)
    {
        Finished finished = await AtTerminalAsync($"{Checkout.Cli} model list", new Dictionary<string, string> { ["COLUMNS"] = $"{columns}" });

        string[] lines = Plain(finished.Succeeded()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("NAME", lines[0], StringComparison.Ordinal);
        Assert.All(lines, line => Assert.True(line.TrimEnd().Length <= columns, line));
    }

    /// <summary>A pipe has no columns, though standard error is the narrow terminal still.</summary>
    [Theory]
    [InlineData("", false)]
    [InlineData(" | cat", true)]
    public async Task ModelList_IntoAPipe_LeavesNothingOut(string pipe, bool isWhole)
    {
        Finished finished = await AtTerminalAsync($"stty cols 40; {Checkout.Cli} model list{pipe}", []);

        Assert.Equal(isWhole, Plain(finished.Succeeded()).Contains("PREPARED", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ModelList_NoColor_WritesNoColours()
    {
        Finished colored = await AtTerminalAsync($"{Checkout.Cli} model list", new Dictionary<string, string>());
        Finished plain = await AtTerminalAsync($"{Checkout.Cli} model inspect lema-tiny", new Dictionary<string, string> { ["NO_COLOR"] = "1" });

        Assert.Contains("\e[", colored.Succeeded(), StringComparison.Ordinal);
        Assert.DoesNotMatch("\e\\[3[0-9]m", plain.Succeeded());
    }

    [Fact]
    public async Task Train_CtrlC_DetachesAndTheRunGoesOn()
    {
        SkipWithoutScript();
        (await daemon.CliAsync("dataset", "build", "tty", "--rows", "100", "--heldout", "5", "--overwrite")).Succeeded();
        string command = $"{Checkout.Cli} train --model lema-tiny --dataset tty --name tty --set steps=100000 --set microBatchSize=1";
        using Process process = Programs.Start(Script, daemon.Home, daemon.Variables, "-qefc", command, "/dev/null");
        await WaitForAsync(process, "loss ");
        await process.StandardInput.WriteAsync("\x03");
        await process.StandardInput.FlushAsync();
        Finished finished = await Programs.EndAsync(process);

        Assert.Equal(130, finished.ExitCode);
        Assert.Contains("lema-remote run watch tty", finished.Out, StringComparison.Ordinal);
        Assert.Contains("running", (await daemon.CliAsync("run", "list", "--state", "running")).Succeeded(), StringComparison.Ordinal);
        (await daemon.CliAsync("run", "stop", "tty")).Succeeded();
    }

    private async Task<Finished> AtTerminalAsync(string command, Dictionary<string, string> variables)
    {
        SkipWithoutScript();
        foreach ((string name, string value) in daemon.Variables) variables[name] = value;
        return await Programs.RunAsync(Script, daemon.Home, variables, "-qefc", command, "/dev/null");
    }

    private static async Task WaitForAsync(Process process, string text)
    {
        char[] buffer = new char[4096];
        string seen = "";
        using CancellationTokenSource limit = new(Programs.Patience);
        while (!seen.Contains(text, StringComparison.Ordinal))
        {
            int read = await process.StandardOutput.ReadAsync(buffer, limit.Token);
            Assert.True(read > 0, $"it ended: {seen}");
            seen += new string(buffer, 0, read);
        }
    }

    private static void SkipWithoutScript() => Assert.SkipUnless(File.Exists(Script), $"{Script} (util-linux) is not installed.");

    private static string Plain(string text) => System.Text.RegularExpressions.Regex.Replace(text.Replace("\r", "", StringComparison.Ordinal), "\e(\\[[0-9;?]*[A-Za-z]|[=>])", "");
}
