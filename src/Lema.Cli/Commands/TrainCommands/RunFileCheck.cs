using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.RunFiles;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.TrainCommands;

/// <summary>What only a daemon can find wrong with a run file: it knows the models, the datasets and what goes together.</summary>
internal static class RunFileCheck
{
    /// <summary>Waited for the daemon's part of a list of problems that is there already.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Problems beside those that the file has already; none where the daemon cannot be asked.</summary>
    public static async Task<IReadOnlyList<RunFileProblem>> FurtherProblemsAsync(RunFile file, Invocation call, CancellationToken cancellation)
    {
        try
        {
            await using HostConnection host = await call.ConnectAsync(cancellation);
            await host.Training.CheckRunAsync(RequestOf(file, call), deadline: DateTime.UtcNow + Patience, cancellationToken: cancellation);
            return [];
        }
        catch (RpcException refused)
        {
            return file.ProblemsOf(Failure.From(refused));
        }
        catch (Exception unreachable) when (unreachable is CliException or DaemonOptionsException)
        {
            return [];
        }
    }

    /// <summary>Makes a call that is about the file.</summary>
    /// <exception cref="RunFileException">The daemon refused the file: every problem at once, with its place.</exception>
    public static async Task<T> AskAsync<T>(RunFile file, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (RpcException refused) when (file.ProblemsOf(Failure.From(refused)) is { Count: > 0 } problems)
        {
            throw new RunFileException(problems);
        }
    }

    private static StartRunRequest RequestOf(RunFile file, Invocation call)
    {
        StartRunRequest request = new() { Name = file.Name ?? "", Model = file.Model ?? "", Dataset = file.Dataset ?? "", EvaluationDataset = file.EvaluationDataset ?? "", Settings = file.Settings };
        // A folder of this machine is uploaded only when the file is right.
        if (request.Settings.HasInitAdapter && Directory.Exists(call.Environment.FullPath(request.Settings.InitAdapter))) request.Settings.ClearInitAdapter();
        return request;
    }
}
