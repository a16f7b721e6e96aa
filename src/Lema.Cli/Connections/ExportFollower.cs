using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Cli.Connections;

/// <summary>Starts a merge and follows it to its end, over lost connections. Leaving cancels it.</summary>
internal sealed class ExportFollower(HostConnection host, Output output, TimeProvider clock)
{
    /// <exception cref="CliException">The merge failed.</exception>
    public async Task<Export> RunAsync(StartMergeRequest request, CancellationToken cancellation)
    {
        Export export = await host.Exports.StartMergeAsync(request, cancellationToken: cancellation);
        string id = export.Id;
        JobProgress progress = new(output, clock);
        BrokenLine line = new(output.Note, clock);
        try
        {
            await foreach (StreamUpdate<Export> update in RecoveringStream.Watch(
                token => host.Exports.WatchExport(new WatchExportRequest { Id = id }, cancellationToken: token), stop: cancellation))
            {
                if (update is StreamUpdate<Export>.Lost lost) line.Broke(lost.Reason.Message);
                if (update is not StreamUpdate<Export>.Message { Value: var message }) continue;
                line.Answered();
                export = message;
                if (output.Json) output.WriteJson(export);
                else if (export.Progress is { } made) progress.Show(made);
            }
        }
        catch (Exception) when (cancellation.IsCancellationRequested)
        {
            await host.Exports.CancelExportAsync(new CancelExportRequest { Id = id });
            throw;
        }
        progress.End();
        if (export.State != JobState.Completed) throw new CliException(ExitCode.Failed, export.Error.Length > 0 ? export.Error : $"The merge ended as {export.State.ToString().ToLowerInvariant()}.");
        if (request.Check && !export.HasMaxLogitDifference)
            throw new CliException(ExitCode.Failed, export.Error.Length > 0 ? export.Error : "Merged, but the daemon went down before the comparison.", $"The model is on the host as {export.ModelName}.");
        return export;
    }
}
