using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Runs;
using Lema.Server.Security;

namespace Lema.Server.Services;

/// <summary>Training runs, for clients. Made for each call; thin over what lives as long as the daemon.</summary>
internal sealed class TrainingService(
    RunManager manager, RunRequests requests, RunRemoval removal, RunDirectory directory, RunStore store, RunsFeed feed, RunEstimates estimates, Watching watching, TimeProvider clock) : Training.TrainingBase
{
    private const int DefaultPage = 100, LargestPage = 1_000, MostLogLines = 1_000;

    private static readonly TimeSpan RunsInterval = TimeSpan.FromSeconds(1);

    public override Task<RunDetail> StartRun(StartRunRequest request, ServerCallContext context) => manager.StartAsync(request, Principal.Of(context).Name);

    public override Task<RunDetail> CheckRun(StartRunRequest request, ServerCallContext context) => Task.FromResult(requests.Check(request, Principal.Of(context).Name));

    public override Task<Estimate> EstimateRun(EstimateRunRequest request, ServerCallContext context) => estimates.EstimateAsync(request, context.CancellationToken);

    public override Task<RunDetail> GetRun(GetRunRequest request, ServerCallContext context) => Task.FromResult(directory.Get(request.Run).Detail);

    public override Task<ListRunsResponse> ListRuns(ListRunsRequest request, ServerCallContext context)
    {
        int size = request.PageSize <= 0 ? DefaultPage : Math.Min(request.PageSize, LargestPage);
        IReadOnlyList<RunDetail> runs = store.List([.. request.States], request.PageToken, size + 1);
        ListRunsResponse response = new() { NextPageToken = runs.Count > size ? runs[size - 1].Summary.Id : "" };
        response.Runs.AddRange(runs.Take(size).Select(run => run.Summary));
        return Task.FromResult(response);
    }

    public override Task WatchRun(WatchRunRequest request, IServerStreamWriter<WatchRunResponse> responseStream, ServerCallContext context)
    {
        RunSession session = directory.Get(request.Run);
        RunWatcher watcher = new(session, store, request, Watching.PhaseOf(context), clock);
        return watching.RunAsync<WatchRunResponse>(context, responseStream, watcher.RunAsync);
    }

    public override Task WatchRuns(WatchRunsRequest request, IServerStreamWriter<WatchRunsResponse> responseStream, ServerCallContext context) =>
        watching.RunAsync<WatchRunsResponse>(context, responseStream, async (send, stop) =>
        {
            long version = feed.Now.Version;
            RunsSnapshot snapshot = new();
            snapshot.Runs.AddRange(store.List([], "", LargestPage).Select(run => run.Summary));
            await send(new WatchRunsResponse { Snapshot = snapshot });
            while (true)
            {
                (long newest, Task nextChange) = feed.Now;
                if (newest == version) await nextChange.WaitAsync(stop);
                await Task.Delay(RunsInterval, clock, stop);
                (RunsChanged changes, version) = feed.Since(version);
                await send(new WatchRunsResponse { Changed = changes });
            }
        });

    public override Task<GetMetricsResponse> GetMetrics(GetMetricsRequest request, ServerCallContext context)
    {
        SeriesBuilder.CheckNames(request.Series);
        GetMetricsResponse response = new();
        response.Series.AddRange(directory.Get(request.Run).Snapshot([.. request.Series], request.FromStep, request.ToStep, request.MaxPoints).Series);
        return Task.FromResult(response);
    }

    public override Task<ReadLogResponse> ReadLog(ReadLogRequest request, ServerCallContext context)
    {
        int count = request.MaxLines <= 0 ? MostLogLines : Math.Min(request.MaxLines, MostLogLines);
        IReadOnlyList<NumberedLogLine> lines = store.ReadLog(directory.Get(request.Run).Id, request.AfterSequence, count + 1);
        ReadLogResponse response = new() { More = lines.Count > count };
        response.Lines.AddRange(lines.Take(count));
        return Task.FromResult(response);
    }

    public override Task<ListRepliesResponse> ListReplies(ListRepliesRequest request, ServerCallContext context)
    {
        string run = directory.Get(request.Run).Id;
        ListRepliesResponse response = new();
        response.Steps.AddRange(store.StepsWithReplies(run));
        response.Step = request.Step > 0 ? request.Step : response.Steps.LastOrDefault();
        if (request.Step > 0 && !response.Steps.Contains(request.Step))
            throw new NotFoundException("evaluation at step", $"{request.Step}", response.Steps.Count == 0 ? "The run has no replies yet." : $"There are replies at {string.Join(", ", response.Steps)}.");
        response.Replies.AddRange(store.ReadReplies(run, response.Step));
        return Task.FromResult(response);
    }

    public override Task<RunDetail> PauseRun(PauseRunRequest request, ServerCallContext context) => manager.PauseAsync(request.Run);

    public override Task<RunDetail> ResumeRun(ResumeRunRequest request, ServerCallContext context) => manager.ResumeAsync(request.Run, request.CheckpointStep);

    public override Task<RunDetail> StopRun(StopRunRequest request, ServerCallContext context) => manager.StopAsync(request.Run, request.Discard);

    public override async Task<DeleteRunResponse> DeleteRun(DeleteRunRequest request, ServerCallContext context)
    {
        await removal.DeleteAsync(request.Run);
        return new DeleteRunResponse();
    }
}
