using Lema.Protocol.V1;

namespace Lema.Server.Workers;

/// <summary>Runs jobs in this process, for tests.</summary>
internal sealed class InProcessWorkerFactory(IJobRunner runner) : IEngineWorkerFactory
{
    public Task<IEngineWorker> StartAsync(string job, long? memoryLimitBytes, CancellationToken stop) => Task.FromResult<IEngineWorker>(new InProcessWorker(new JobHost(runner)));

    private sealed class InProcessWorker(JobHost host) : IEngineWorker
    {
        public int? ProcessId => null;

        public IAsyncEnumerable<WorkerEvent> ExecuteAsync(WorkerJob job, CancellationToken stop) => host.ExecuteAsync(job, stop);

        public Task StopJobAsync(bool discard, CancellationToken stop)
        {
            host.StopJob(discard);
            return Task.CompletedTask;
        }

        public IAsyncEnumerable<ChatResponse> GenerateAsync(GenerateRepliesRequest request, CancellationToken stop) => host.GenerateAsync(request, stop);

        public Task<PingResponse> PingAsync(CancellationToken stop) =>
            Task.FromResult(new PingResponse { RssBytes = Environment.WorkingSet, Heartbeat = host.Heartbeat });

        public ValueTask DisposeAsync()
        {
            host.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
