using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;
using Lema.Cli.Rendering;
using Lema.Cli.Terminals;

namespace Lema.Cli.Commands;

/// <summary>One call of one command: its values, where its output goes, and the way to its host.</summary>
internal sealed class Invocation(ParseResult parsed, CliEnvironment environment, GlobalOptions globals)
{
    public CliEnvironment Environment => environment;

    public Output Output { get; } = new(
        environment,
        json: parsed.GetValue(globals.Format) == GlobalOptions.Json,
        quiet: parsed.GetValue(globals.Quiet),
        color: !parsed.GetValue(globals.NoColor) && string.IsNullOrEmpty(environment.Variable("NO_COLOR")));

    public bool Yes => parsed.GetValue(globals.Yes);

    public string? Host => parsed.GetValue(globals.Host);

    public string? TokenFile => parsed.GetValue(globals.TokenFile);

    /// <summary>What a command that is proposed needs to go to the same host: nothing, or options after a space.</summary>
    public string HostFlags => (Host is { } host ? $" --host {host}" : "") + (TokenFile is { } file ? $" --token-file {file}" : "");

    public HostResolver Hosts { get; } = new(environment);

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    public T Get<T>(Argument<T> argument) => parsed.GetValue(argument)!;

    /// <summary>The value of an option that has to be given.</summary>
    public T Required<T>(Option<T> option) => parsed.GetRequiredValue(option);

    /// <summary>Opens the way to the host that was chosen; nothing is sent yet.</summary>
    public Task<HostConnection> ConnectAsync(CancellationToken cancellation) =>
        HostConnection.OpenAsync(Hosts.Resolve(Host, TokenFile), environment, cancellation);

    /// <summary>Asks before something is lost.</summary>
    /// <exception cref="CliException">The answer was no, or there is nobody to ask.</exception>
    public void Confirm(string question)
    {
        if (Yes) return;
        if (!environment.InIsTerminal) throw new CliException(ExitCode.WrongUsage, $"{question} There is no terminal to ask on.", "Say --yes.");
        environment.Error.Write($"{question} [y/N] ");
        string? answer = environment.In.ReadLine();
        if (answer?.Trim() is not ("y" or "Y" or "yes")) throw new CliException(ExitCode.Failed, "Not confirmed; nothing was changed.");
    }
}
