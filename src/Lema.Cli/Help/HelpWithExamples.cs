using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Lema.Cli.Commands;

namespace Lema.Cli.Help;

/// <summary>The usual help, with examples at the end. Where commands are listed, the first sentence of each has to do.</summary>
internal sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => usual.ClearsParseErrors;

    public override int Invoke(ParseResult parseResult)
    {
        foreach (Command listed in parseResult.CommandResult.Command.Subcommands) listed.Description = FirstSentence(listed.Description ?? "");
        int exitCode = usual.Invoke(parseResult);
        if (parseResult.CommandResult.Command is not LemaCommand { Examples.Count: > 0 } command) return exitCode;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Examples:");
        foreach (string example in command.Examples) output.WriteLine($"  {example}");
        return exitCode;
    }

    private static string FirstSentence(string text)
    {
        int end = text.IndexOf(". ", StringComparison.Ordinal);
        return end < 0 ? text : text[..(end + 1)];
    }
}
