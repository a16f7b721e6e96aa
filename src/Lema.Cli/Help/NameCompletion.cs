using System.CommandLine;
using System.CommandLine.Completions;
using Lema.Cli.Commands;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;
using Lema.Cli.Terminals;
using Lema.Protocol.V1;

namespace Lema.Cli.Help;

/// <summary>Completes names of hosts, and of what the chosen host has. Where it cannot be asked, nothing is offered: a completion neither waits long nor speaks.</summary>
internal sealed class NameCompletion(CliEnvironment environment, GlobalOptions globals)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Gives a source of names to every option and argument of a command, and of those below it, whose value's name tells what it stands for.</summary>
    public void AttachTo(Command command)
    {
        foreach (Option option in command.Options)
        {
            if (SourceOf(option.HelpName) is { } source) option.CompletionSources.Add(source);
        }
        foreach (Argument argument in command.Arguments)
        {
            if (SourceOf(argument.Name) is not { } source) continue;
            // Help would list the completions of an argument that has no name for it.
            argument.HelpName = argument.Name;
            argument.CompletionSources.Add(source);
        }
        foreach (Command child in command.Subcommands) AttachTo(child);
    }

    private Func<CompletionContext, IEnumerable<CompletionItem>>? SourceOf(string? valueName) => valueName switch
    {
        "HOST" or "NAME|ADDRESS" => context => Offer(context, _ => Task.FromResult(Hosts())),
        "RUN" => context => Offer(context, cancellation => AskAsync(context, RunsAsync, cancellation)),
        "MODEL" => context => Offer(context, cancellation => AskAsync(context, ModelsAsync, cancellation)),
        "DATASET" => context => Offer(context, cancellation => AskAsync(context, DatasetsAsync, cancellation)),
        "RUN|MODEL" => context => Offer(context, cancellation => AskAsync(context, async (host, token) => [.. await RunsAsync(host, token), .. await ModelsAsync(host, token)], cancellation)),
        _ => null,
    };

    private static IEnumerable<CompletionItem> Offer(CompletionContext context, Func<CancellationToken, Task<IEnumerable<string>>> names)
    {
        using CancellationTokenSource limit = new(Patience);
        try
        {
            return [.. names(limit.Token).GetAwaiter().GetResult().Where(n => n.StartsWith(context.WordToComplete, StringComparison.Ordinal)).Select(n => new CompletionItem(n))];
        }
        catch (Exception failure) when (failure is OperationCanceledException || FailureReport.TryCreate(failure, interrupted: false, out _))
        {
            return [];
        }
    }

    private IEnumerable<string> Hosts() => new HostResolver(environment).File.Read().Hosts.Select(h => h.Name);

    private async Task<IEnumerable<string>> AskAsync(CompletionContext context, Func<HostConnection, CancellationToken, Task<IEnumerable<string>>> names, CancellationToken cancellation)
    {
        HostEntry entry = new HostResolver(environment).Resolve(context.ParseResult.GetValue(globals.Host), context.ParseResult.GetValue(globals.TokenFile));
        // ssh may ask for a password.
        if (SshTunnel.IsSshAddress(entry.Address)) return [];
        await using HostConnection host = await HostConnection.OpenAsync(entry, environment, cancellation);
        return await names(host, cancellation);
    }

    private static async Task<IEnumerable<string>> RunsAsync(HostConnection host, CancellationToken cancellation) =>
        (await host.Training.ListRunsAsync(new ListRunsRequest(), cancellationToken: cancellation)).Runs.Select(r => r.Name);

    private static async Task<IEnumerable<string>> ModelsAsync(HostConnection host, CancellationToken cancellation) =>
        (await host.Models.ListModelsAsync(new ListModelsRequest(), cancellationToken: cancellation)).Models.Select(m => m.Name);

    private static async Task<IEnumerable<string>> DatasetsAsync(HostConnection host, CancellationToken cancellation) =>
        (await host.Datasets.ListDatasetsAsync(new ListDatasetsRequest(), cancellationToken: cancellation)).Datasets.Select(d => d.Name);
}
