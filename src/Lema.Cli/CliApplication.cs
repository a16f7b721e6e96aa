using System.CommandLine;
using System.CommandLine.Invocation;
using Grpc.Core;
using Lema.Cli.Commands;
using Lema.Cli.Errors;
using Lema.Cli.Help;
using Lema.Cli.Hosts;
using Lema.Cli.Rendering;
using Lema.Cli.Terminals;

namespace Lema.Cli;

/// <summary>One run of the program: parse, execute, map what went wrong to an exit code.</summary>
internal static class CliApplication
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CliEnvironment environment)
    {
        LemaRootCommand root = new(environment);
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction or null) return await WrongUsageAsync(root, parsed, environment);
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = environment.Out,
                Error = environment.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            }, environment.Interrupts.First);
        }
        catch (Exception failure) when (FailureReport.TryCreate(failure, environment.Interrupts.First.IsCancellationRequested, out FailureReport? report))
        {
            if (failure is RpcException remote) report = await HostFailure.ExplainAsync(remote, report, HostOf(parsed, root), CancellationToken.None);
            report.Write(environment.Error);
            return report.ExitCode;
        }
    }

    /// <summary>The daemon that the call was made to; gRPC's own errors do not name it.</summary>
    private static HostEntry HostOf(ParseResult parsed, LemaRootCommand root) =>
        new HostResolver(root.Environment).Resolve(parsed.GetValue(root.Globals.Host), parsed.GetValue(root.Globals.TokenFile));

    private static async Task<int> WrongUsageAsync(LemaRootCommand root, ParseResult parsed, CliEnvironment environment)
    {
        Command command = parsed.CommandResult.Command;
        if (command is not LemaCommand && parsed.UnmatchedTokens.Count == 0)
        {
            // A noun without its verb: the list of verbs says more than the error does.
            environment.Error.WriteLine($"error: Which command of '{CommandPath.Of(command)}'?");
            await root.Parse([.. CommandPath.Words(command), "--help"]).InvokeAsync(new InvocationConfiguration { Output = environment.Error });
            return ExitCode.WrongUsage;
        }
        if (parsed.UnmatchedTokens.Count > 0) WriteUnknownWord(command, parsed.UnmatchedTokens[0], environment.Error);
        else foreach (string message in parsed.Errors.Select(e => e.Message).Distinct(StringComparer.Ordinal)) environment.Error.WriteLine($"error: {message}");
        environment.Error.WriteLine($"See '{CommandPath.Of(command)} --help'.");
        return ExitCode.WrongUsage;
    }

    /// <summary>The first word that nobody knows; what follows it may only look wrong because of it.</summary>
    private static void WriteUnknownWord(Command command, string word, TextWriter error)
    {
        error.WriteLine($"error: '{CommandPath.Of(command)}' knows no {(word.StartsWith('-') ? "option" : command is LemaCommand ? "further argument" : "command")} '{SafeText.Of(word)}'.");
        if (Suggestion.Nearest(word, KnownWords(command, word)) is { } nearest) error.WriteLine($"Did you mean '{nearest}'?");
    }

    private static IEnumerable<string> KnownWords(Command command, string word) => word.StartsWith('-')
        ? CommandPath.WithAncestors(command).SelectMany(c => c.Options).Select(o => o.Name)
        : command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);
}
