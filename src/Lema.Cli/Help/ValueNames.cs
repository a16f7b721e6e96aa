using System.CommandLine;
using System.CommandLine.Completions;

namespace Lema.Cli.Help;

/// <summary>What help and reference call an option's value: its choices where there are few, else what kind of thing it is.</summary>
internal static class ValueNames
{
    /// <summary>Gives a name to the values of a command's options, and of those below it, that have none of their own.</summary>
    public static void Complete(Command command)
    {
        foreach (Option option in command.Options.Where(o => o.ValueType != typeof(bool) && o.Arity.MaximumNumberOfValues > 0)) option.HelpName ??= NameOf(option);
        foreach (Command child in command.Subcommands) Complete(child);
    }

    private static string NameOf(Option option)
    {
        string choices = string.Join('|', option.GetCompletions(CompletionContext.Empty).Select(c => c.Label));
        if (choices.Length > 0) return choices;
        return option.ValueType == typeof(string) ? "TEXT" : "NUMBER";
    }
}
