using System.CommandLine;
using Lema.Cli.Commands;
using Lema.Cli.Tests.Fakes;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Commands;

public sealed class CommandTreeTests
{
    [Fact]
    public void EveryCommand_IsDescribedAndHasAnExample()
    {
        using TestTerminal terminal = new();

        Assert.All(All(new LemaRootCommand(terminal.Environment)), command =>
        {
            Assert.False(string.IsNullOrEmpty(command.Description), command.Name);
            if (command is LemaCommand lema) Assert.True(lema.Examples.Count > 0, command.Name);
            Assert.All(command.Options.Where(o => !o.Hidden), option => Assert.False(string.IsNullOrEmpty(option.Description), $"{command.Name} {option.Name}"));
            Assert.All(command.Arguments, argument => Assert.False(string.IsNullOrEmpty(argument.Description), $"{command.Name} {argument.Name}"));
        });
    }

    [Fact]
    public void EveryExample_Parses()
    {
        using TestTerminal terminal = new();
        LemaRootCommand root = new(terminal.Environment);
        IEnumerable<string> examples = All(root).OfType<LemaCommand>().SelectMany(c => c.Examples);

        Assert.All(examples, example =>
        {
            // What stands before and after the program in a shell is not its business.
            string line = example[example.IndexOf(LemaRootCommand.ProgramName, StringComparison.Ordinal)..].Split(" > ")[0].Split(" 2> ")[0].Replace(")", "", StringComparison.Ordinal);
            string quoted = line.Replace('\'', '"');
            Assert.Empty(root.Parse(quoted[LemaRootCommand.ProgramName.Length..].Trim()).Errors);
        });
    }

    [Theory]
    [InlineData("run lst", "Did you mean 'list'?")]
    [InlineData("chatt lema-tiny", "Did you mean 'chat'?")]
    [InlineData("run list --formt json", "Did you mean '--format'?")]
    public async Task Run_MistypedWord_IsWrongUsageAndSuggests(string line, string suggestion)
    {
        using TestTerminal terminal = new();

        Assert.Equal(2, await terminal.RunAsync(line.Split(' ')));

        Assert.Contains(suggestion, terminal.Error, StringComparison.Ordinal);
        Assert.Equal("", terminal.Out);
    }

    [Theory]
    [InlineData("run list --format xml")]
    [InlineData("host add gpu01")]
    [InlineData("host add gpu01 https://gpu01 --ca a --fingerprint b")]
    [InlineData("train --dataset d")]
    [InlineData("eval first")]
    [InlineData("eval first --text a --dataset b")]
    [InlineData("run compare onlyone")]
    [InlineData("run")]
    [InlineData("merge first --dtype float64")]
    public async Task Run_WrongUsage_IsExitCodeTwo(string line)
    {
        using TestTerminal terminal = new();

        Assert.Equal(2, await terminal.RunAsync(line.Split(' ')));

        Assert.StartsWith("error: ", terminal.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "  doctor ")]
    [InlineData("run", "  watch <RUN> ")]
    public async Task Run_NounAlone_ListsItsCommandsOnStandardError(string line, string listed)
    {
        using TestTerminal terminal = new();

        Assert.Equal(2, await terminal.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

        Assert.Contains(listed, terminal.Error, StringComparison.Ordinal);
        Assert.Equal("", terminal.Out);
    }

    [Fact]
    public async Task Help_OfAGroup_SaysOneSentenceOfEachCommand()
    {
        using TestTerminal terminal = new(width: 200);

        Assert.Equal(0, await terminal.RunAsync("--help"));

        Assert.Matches(@"train +Start a run and follow it\.\n", terminal.Out);
    }

    [Fact]
    public async Task Help_OfACommand_EndsWithExamples()
    {
        using TestTerminal terminal = new();

        Assert.Equal(0, await terminal.RunAsync("run", "list", "--help"));

        Assert.EndsWith("Examples:\n  lema-remote run list --state running --state queued\n", terminal.Out.Replace("\r", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _lema_remote lema-remote")]
    [InlineData("zsh", "#compdef lema-remote")]
    [InlineData("fish", "complete -c lema-remote")]
    [InlineData("pwsh", "Register-ArgumentCompleter")]
    public async Task Completion_Shell_PrintsItsScript(string shell, string expected)
    {
        using TestTerminal terminal = new();

        Assert.Equal(0, await terminal.RunAsync("completion", shell));

        Assert.Contains(expected, terminal.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Suggest_PartOfACommand_ListsWhatFits()
    {
        using TestTerminal terminal = new();

        Assert.Equal(0, await terminal.RunAsync("[suggest:17]", "lema-remote run s"));

        Assert.Equal(["show", "stop"], terminal.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(w => !w.StartsWith('-')).Order(StringComparer.Ordinal).Distinct().Where(w => w.StartsWith('s')));
    }

    [Theory]
    [InlineData("run show ", "first", "second")]
    [InlineData("run show se", "second")]
    [InlineData("chat l", "lema-tiny")]
    [InlineData("train --model ", "lema-tiny")]
    [InlineData("dataset preview ", "replies")]
    [InlineData("host use ", "lab")]
    [InlineData("run list --host l", "lab")]
    public async Task Suggest_AName_OffersWhatThereIs(string line, params string[] expected)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Training.List = new ListRunsResponse { Runs = { new RunSummary { Name = "first" }, new RunSummary { Name = "second" } } };
        daemon.Datasets.List = new ListDatasetsResponse { Datasets = { new Dataset { Name = "replies" } } };
        await terminal.RunAsync("host", "add", "lab", daemon.Address, "--quiet");

        Assert.Equal(expected, await SuggestAsync(terminal, line));
    }

    [Theory]
    [InlineData("http://127.0.0.1:9")]
    [InlineData("ssh://127.0.0.1:9")]
    public async Task Suggest_NoDaemon_OffersNothingAndIsSilent(string address)
    {
        using TestTerminal terminal = new();
        await terminal.RunAsync("host", "add", "lab", address, "--quiet");

        Assert.Empty(await SuggestAsync(terminal, "run show f"));

        Assert.Equal("", terminal.Error);
    }

    [Fact]
    public async Task Help_OfACommandWithNames_AsksNoDaemon()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        terminal.Variables["LEMA_HOST"] = daemon.Address;

        Assert.Equal(0, await terminal.RunAsync("run", "show", "--help"));
        Assert.Equal(0, await terminal.RunAsync("reference"));

        Assert.Contains("<RUN>  Name or id of a run.", terminal.Out, StringComparison.Ordinal);
        Assert.Empty(daemon.Calls.All);
    }

    /// <summary>What is offered beside options.</summary>
    private static async Task<IEnumerable<string>> SuggestAsync(TestTerminal terminal, string line)
    {
        string whole = $"lema-remote {line}";
        Assert.Equal(0, await terminal.RunAsync($"[suggest:{whole.Length}]", whole));
        return terminal.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(w => !w.StartsWith('-'));
    }

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);
}
