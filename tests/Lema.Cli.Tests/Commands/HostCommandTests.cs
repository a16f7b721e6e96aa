using Lema.Cli.Hosts;
using Lema.Cli.Tests.Fakes;

namespace Lema.Cli.Tests.Commands;

public sealed class HostCommandTests
{
    [Fact]
    public async Task Add_FirstHost_BecomesTheCurrentOne()
    {
        using TestTerminal terminal = new();
        Assert.Equal(0, await terminal.RunAsync("host", "add", "gpu01", "https://gpu01", "--token-file", "~/gpu01.token", "--fingerprint", new string('a', 64)));
        Assert.Equal(0, await terminal.RunAsync("host", "add", "lab", "ssh://ada@gpu02"));

        Assert.Equal(0, await terminal.RunAsync("host", "list", "--format", "json"));

        Assert.Equal(
            "{\"current\":\"gpu01\",\"hosts\":[{\"name\":\"gpu01\",\"address\":\"https://gpu01:5090\",\"tokenFile\":\"" + terminal.Home + "/gpu01.token\",\"fingerprint\":\"" + new string('a', 64) + "\"},{\"name\":\"lab\",\"address\":\"ssh://ada@gpu02\"}]}\n",
            terminal.Out);
    }

    [Fact]
    public async Task UseAndRemove_KnownHost_ChangeTheFile()
    {
        using TestTerminal terminal = new();
        await terminal.RunAsync("host", "add", "a", "http://a");
        await terminal.RunAsync("host", "add", "b", "http://b");

        Assert.Equal(0, await terminal.RunAsync("host", "use", "b"));
        Assert.Equal(0, await terminal.RunAsync("host", "remove", "a"));
        Assert.Equal(0, await terminal.RunAsync("host", "list"));

        Assert.Equal("   NAME  ADDRESS        TRUST  TOKEN FILE\n*  b     http://b:5090\n", string.Join('\n', terminal.Out.Split('\n').Select(l => l.TrimEnd())));
    }

    [Fact]
    public async Task Add_FullDisk_SaysWhatToDoAndLeavesTheHostsAsTheyWere()
    {
        Assert.SkipUnless(File.Exists(TestTerminal.FullDevice), $"There is no {TestTerminal.FullDevice} here.");
        using TestTerminal terminal = new();
        await terminal.RunAsync("host", "add", "a", "http://a");
        string folder = terminal.Environment.ConfigFolder;
        File.CreateSymbolicLink(Path.Combine(folder, $"{HostsFile.FileName}.{Environment.ProcessId}.tmp"), TestTerminal.FullDevice);

        Assert.Equal(1, await terminal.RunAsync("host", "add", "b", "http://b"));

        Assert.Contains("hosts.json cannot be written: the disk is full.\n  Free some space there", terminal.Error, StringComparison.Ordinal);
        Assert.Equal([HostsFile.FileName], Directory.GetFiles(folder).Select(Path.GetFileName));
        Assert.Equal(0, await terminal.RunAsync("host", "use", "a"));
        Assert.Equal(3, await terminal.RunAsync("host", "use", "b"));
    }

    [Theory]
    [InlineData("host", "use", "nowhere")]
    [InlineData("host", "remove", "nowhere")]
    [InlineData("run", "list", "--host", "nowhere")]
    public async Task Run_UnknownHost_IsNotFound(params string[] line)
    {
        using TestTerminal terminal = new();

        Assert.Equal(3, await terminal.RunAsync(line));
    }

    [Fact]
    public async Task Check_NobodyListens_SaysWhichStepFails()
    {
        using TestTerminal terminal = new();

        Assert.Equal(4, await terminal.RunAsync("host", "check", "http://127.0.0.1:9"));

        Assert.Contains("ok    name", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("FAIL  port     port 9 does not answer", terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_WithoutAName_TakesTheChosenHost()
    {
        using TestTerminal terminal = new();
        terminal.Variables["LEMA_HOST"] = "http://127.0.0.1:9";

        Assert.Equal(4, await terminal.RunAsync("host", "check"));
    }

    [Theory]
    [InlineData("9f86d0...")]
    [InlineData("00c6dc95c34c7af36c6e9110b5ccd05d0e7ee71b0df5c78b8edf9c7a3a831b32cc")]
    public async Task Add_NoFingerprint_IsWrongUsageAndAddsNothing(string fingerprint)
    {
        using TestTerminal terminal = new();

        Assert.Equal(2, await terminal.RunAsync("host", "add", "lab", "https://lab", "--fingerprint", fingerprint));

        Assert.Contains($"'{fingerprint}' is no SHA-256 fingerprint", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(3, await terminal.RunAsync("host", "use", "lab"));
    }

    [Fact]
    public async Task Run_NobodyListens_IsUnreachableAtOnce()
    {
        using TestTerminal terminal = new();

        Assert.Equal(4, await terminal.RunAsync("run", "list", "--host", "http://127.0.0.1:9"));

        Assert.StartsWith("error: ", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("The host is http://127.0.0.1:9.", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_TokenFileMissing_IsNotAllowed()
    {
        using TestTerminal terminal = new();

        Assert.Equal(5, await terminal.RunAsync("run", "list", "--host", "http://127.0.0.1:9", "--token-file", "/nowhere/token"));

        Assert.Contains("/nowhere/token", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_HostsFileBroken_IsInvalidInputAndNamesIt()
    {
        using TestTerminal terminal = new();
        Directory.CreateDirectory(Path.Combine(terminal.Home, ".config", "lema"));
        string path = terminal.WriteFile(".config/lema/hosts.json", "{ \"hosts\": [");

        Assert.Equal(6, await terminal.RunAsync("run", "list"));

        Assert.Contains(path, terminal.Error, StringComparison.Ordinal);
    }
}
