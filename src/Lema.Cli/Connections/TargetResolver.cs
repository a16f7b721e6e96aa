using Grpc.Core;
using Lema.Cli.Errors;
using Lema.Cli.Help;
using Lema.Protocol.V1;

namespace Lema.Cli.Connections;

/// <summary>What a word on the command line stands for: a run, or else a model.</summary>
internal static class TargetResolver
{
    private const string RunPrefix = "run/";
    private const string ModelPrefix = "model/";

    /// <param name="word">Name or id of a run, or name of a model; <c>run/NAME</c> and <c>model/NAME</c> leave no doubt.</param>
    /// <param name="checkpoint">last, best or a step; null: last.</param>
    /// <exception cref="CliException">There is neither; or a checkpoint was named of a model.</exception>
    public static async Task<ModelReference> ResolveAsync(HostConnection host, string word, string? checkpoint, CancellationToken cancellation)
    {
        if (word.StartsWith(ModelPrefix, StringComparison.Ordinal)) return OfModel(word[ModelPrefix.Length..], checkpoint);
        if (word.StartsWith(RunPrefix, StringComparison.Ordinal)) return OfRun(word[RunPrefix.Length..], checkpoint);
        if (await IsRunAsync(host, word, cancellation)) return OfRun(word, checkpoint);
        ListModelsResponse models = await host.Models.ListModelsAsync(new ListModelsRequest(), cancellationToken: cancellation);
        if (models.Models.Any(m => m.Name == word)) return OfModel(word, checkpoint);
        ListRunsResponse runs = await host.Training.ListRunsAsync(new ListRunsRequest(), cancellationToken: cancellation);
        string remedy = Suggestion.Nearest(word, [.. models.Models.Select(m => m.Name), .. runs.Runs.Select(r => r.Name)]) is { } nearest
            ? $"Did you mean '{nearest}'?"
            : "List them with 'lema-remote run list' and 'lema-remote model list'.";
        throw new CliException(ExitCode.NotFound, $"{host.Entry.Name} has neither a run nor a model '{word}'.", remedy);
    }

    private static async Task<bool> IsRunAsync(HostConnection host, string word, CancellationToken cancellation)
    {
        try
        {
            await host.Training.GetRunAsync(new GetRunRequest { Run = word }, cancellationToken: cancellation);
            return true;
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.NotFound)
        {
            return false;
        }
    }

    private static ModelReference OfRun(string run, string? checkpoint) => new() { Run = run, Checkpoint = checkpoint ?? "" };

    private static ModelReference OfModel(string model, string? checkpoint) => checkpoint is null
        ? new ModelReference { Model = model }
        : throw new CliException(ExitCode.WrongUsage, $"{model} is a model; only runs have checkpoints.");
}
