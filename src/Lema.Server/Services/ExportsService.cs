using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Jobs;

namespace Lema.Server.Services;

/// <summary>Merges, for clients. Made for each call.</summary>
internal sealed class ExportsService(ExportManager exports, Watching watching) : Exports.ExportsBase
{
    public override Task<Export> StartMerge(StartMergeRequest request, ServerCallContext context) => exports.StartMergeAsync(request);

    public override Task WatchExport(WatchExportRequest request, IServerStreamWriter<Export> responseStream, ServerCallContext context)
    {
        exports.Get(request.Id);
        return watching.RunAsync<Export>(context, responseStream, async (send, stop) =>
        {
            while (exports.Live(request.Id) is { } live)
            {
                (Export now, Task next) = live.Now;
                if (now.State is not (JobState.Queued or JobState.Running)) break;
                await send(now);
                await next.WaitAsync(stop);
            }
            await send(exports.Get(request.Id));
        });
    }

    public override Task<Export> GetExport(GetExportRequest request, ServerCallContext context) => Task.FromResult(exports.Get(request.Id));

    public override Task<ListExportsResponse> ListExports(ListExportsRequest request, ServerCallContext context)
    {
        ListExportsResponse response = new();
        response.Exports.AddRange(exports.List(request.Run));
        return Task.FromResult(response);
    }

    public override Task<Export> CancelExport(CancelExportRequest request, ServerCallContext context) => exports.CancelAsync(request.Id);
}
