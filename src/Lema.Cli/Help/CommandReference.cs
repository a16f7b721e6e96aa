using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using System.Text;
using Lema.Cli.Commands;
using Lema.Cli.RunFiles;

namespace Lema.Cli.Help;

/// <summary>The reference of all commands as Markdown, made from the commands themselves.</summary>
internal static class CommandReference
{
    private const string Preface = """
        # lema-remote

        A thin client of one or more Lema daemons. This page is made from the commands themselves: `lema-remote reference > docs/cli.md`.

        ## Which host

        `--host NAME|ADDRESS`, else `LEMA_HOST`, else the current host of `~/.config/lema/hosts.json` (`host use`), else `http://127.0.0.1:5090`. An address is
        `https://gpu01:5090`, `http://127.0.0.1:5090`, or `ssh://user@gpu01[:ssh port]/[daemon port]`, which goes through the system's ssh to the daemon's loopback port;
        without a scheme it is https, or http for this machine. A token is never sent to another machine without TLS or ssh.

        The token is read from the file of `--token-file`, else of the host's entry, else of `LEMA_TOKEN_FILE`. A daemon writes its first one to `admin.token` in its data folder.

        ## Output

        Results go to standard output, everything else to standard error. With `--format json` standard output carries nothing but the protobuf JSON form of the answer (messages of
        `protos/lema/v1`, camelCase), one object a line for streams. Colours are left out with `--no-color`, `NO_COLOR`, and where standard output is no terminal.

        ## Exit codes

        | code | meaning |
        | --- | --- |
        | 0 | done |
        | 1 | failed |
        | 2 | wrong usage |
        | 3 | not found |
        | 4 | cannot reach the host |
        | 5 | not allowed |
        | 6 | invalid input: dataset, run file, model |
        | 7 | does not fit the budget |
        | 130 | interrupted; a run that was being followed goes on |

        """;

    public static string Write(LemaRootCommand root)
    {
        StringBuilder text = new(Preface.ReplaceLineEndings("\n"));
        text.Append("\n## Global options\n\n");
        AppendOptions(text, root.Options.Where(o => o is not (HelpOption or VersionOption)));
        foreach (Command command in root.Subcommands) AppendCommand(text, command);
        AppendRunFile(text);
        return text.ToString();
    }

    private static void AppendCommand(StringBuilder text, Command command)
    {
        if (command.Hidden) return;
        text.Append(CultureInfo.InvariantCulture, $"\n## {CommandPath.Of(command)}\n\n{command.Description}\n");
        if (command is LemaCommand lema)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n```\n{Usage(command)}\n```\n");
            foreach (Argument argument in command.Arguments) text.Append(CultureInfo.InvariantCulture, $"\n- `{argument.Name}`: {argument.Description}");
            if (command.Arguments.Count > 0) text.Append('\n');
            if (command.Options.Any(o => !o.Hidden))
            {
                text.Append('\n');
                AppendOptions(text, command.Options);
            }
            text.Append(CultureInfo.InvariantCulture, $"\n```bash\n{string.Join('\n', lema.Examples)}\n```\n");
        }
        foreach (Command child in command.Subcommands) AppendCommand(text, child);
    }

    private static string Usage(Command command)
    {
        StringBuilder usage = new(CommandPath.Of(command));
        foreach (Argument argument in command.Arguments)
        {
            string name = argument.Arity.MaximumNumberOfValues > 1 ? $"{argument.Name}..." : argument.Name;
            bool optional = argument.Arity.MinimumNumberOfValues == 0 || argument.HasDefaultValue;
            usage.Append(optional ? $" [{name}]" : $" {name}");
        }
        if (command.Options.Count > 0) usage.Append(" [options]");
        return usage.ToString();
    }

    private static void AppendOptions(StringBuilder text, IEnumerable<Option> options)
    {
        text.Append("| option | what it does |\n| --- | --- |\n");
        foreach (Option option in options.Where(o => !o.Hidden))
        {
            string names = string.Join(", ", option.Aliases.Prepend(option.Name));
            string value = option.HelpName is { } name ? $" {name}" : "";
            text.Append(CultureInfo.InvariantCulture, $"| `{Escape(names + value)}` | {Escape(option.Description ?? "")}{Default(option)} |\n");
        }
    }

    private static string Default(Option option) =>
        option.HasDefaultValue && Convert.ToString(option.GetDefaultValue(), CultureInfo.InvariantCulture) is { Length: > 0 } value && option.ValueType != typeof(bool) && !option.ValueType.IsArray
            ? $" [{value}]" : "";

    private static void AppendRunFile(StringBuilder text)
    {
        text.Append("\n## Run files\n\nYAML; `lema-remote train init` writes a commented one, `lema-remote train schema` prints the JSON schema that editors complete and check it with. ");
        text.Append("Besides these keys it may name `name`, `model`, `dataset` and `evaluationDataset`. Each key can be set with `--set KEY=VALUE`.\n\n");
        text.Append("| key | default | what it is |\n| --- | --- | --- |\n");
        foreach (RunFileKey key in RunFileKey.All)
        {
            string values = key.Field.FieldType == Google.Protobuf.Reflection.FieldType.Enum ? $" ({string.Join(", ", RunFileScalar.Names(key.Field.EnumType))})" : "";
            text.Append(CultureInfo.InvariantCulture, $"| `{key.Name}` | {(key.Default.Length > 0 ? $"`{key.Default}`" : "")} | {Escape(key.Description)}{values} |\n");
        }
    }

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
