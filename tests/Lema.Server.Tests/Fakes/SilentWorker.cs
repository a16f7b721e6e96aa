using Lema.Protocol.V1;
using Lema.Server.Workers;

namespace Lema.Server.Tests.Fakes;

/// <summary>A worker that does nothing, and answers pings as it is told.</summary>
internal sealed class SilentWorker(Func<CancellationToken, Task<PingResponse>> ping) : IEngineWorker
{
    public int? ProcessId => null;

    public async IAsyncEnumerable<WorkerEvent> ExecuteAsync(WorkerJob job, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        await Task.Delay(Timeout.Infinite, stop);
        yield break;
    }

    public Task StopJobAsync(bool discard, CancellationToken stop) => Task.CompletedTask;

    public IAsyncEnumerable<ChatResponse> GenerateAsync(GenerateRepliesRequest request, CancellationToken stop) => throw new NotSupportedException();

    public Task<PingResponse> PingAsync(CancellationToken stop) => ping(stop);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
