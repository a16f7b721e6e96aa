using System.CommandLine;
using System.CommandLine.Invocation;
using Lema.Cli.Commands;
using Lema.Cli.Errors;
using Lema.Cli.Help;
using Lema.Cli.Terminals;

namespace Lema.Cli;

/// <summary>One run of the program: parse, execute, map what went wrong to an exit code.</summary>
internal static class CliApplication
{
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CliEnvironment environment)
    {
        LemaRootCommand root = new(environment);
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction or null) return WrongUsage(parsed, environment);
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
            report.Write(environment.Error);
            return report.ExitCode;
        }
    }

    private static int WrongUsage(ParseResult parsed, CliEnvironment environment)
    {
        foreach (string message in parsed.Errors.Select(e => e.Message).Distinct(StringComparer.Ordinal)) environment.Error.WriteLine($"error: {message}");
        Command command = parsed.CommandResult.Command;
        foreach (string word in parsed.UnmatchedTokens)
        {
            if (Suggestion.Nearest(word, KnownWords(command, word)) is { } nearest) environment.Error.WriteLine($"Did you mean '{nearest}'?");
        }
        environment.Error.WriteLine($"See '{CommandPath.Of(command)} --help'.");
        return ExitCode.WrongUsage;
    }

    private static IEnumerable<string> KnownWords(Command command, string word) => word.StartsWith('-')
        ? CommandPath.WithAncestors(command).SelectMany(c => c.Options).Select(o => o.Name)
        : command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);
}
