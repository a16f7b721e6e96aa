using Lema.Protocol.V1;
using Lema.Server.Monitoring;
using Lema.Server.Workers;

namespace Lema.Server.Jobs;

/// <summary>A worker that holds one model open for replies. Its manager counts its users; disposing it ends the process and gives its memory back.</summary>
internal sealed class ServingWorker : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IDisposable _reservation;
    private readonly WorkerBoard.Entry _entry;
    private readonly TimeProvider _clock;
    private readonly Task _serving;
    private int _disposed;

    public ServingWorker(ModelFolders folders, IEngineWorker worker, IDisposable reservation, WorkerBoard.Entry entry, TimeProvider clock)
    {
        Folders = folders;
        Worker = worker;
        _reservation = reservation;
        _entry = entry;
        _clock = clock;
        _serving = ServeAsync();
    }

    public ModelFolders Folders { get; }

    public IEngineWorker Worker { get; }

    public int Users { get; set; }

    /// <summary>When its last user left, as a timestamp of the daemon's clock.</summary>
    public long LastUsed { get; set; }

    /// <summary>Ends when the model is open; fails with why it cannot be opened.</summary>
    public Task Ready => _ready.Task;

    public bool HasEnded => _serving.IsCompleted;

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _end.CancelAsync().ConfigureAwait(false);
        await Worker.DisposeAsync().ConfigureAwait(false);
        await _serving.ConfigureAwait(false);
        _entry.Dispose();
        _reservation.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            await WorkerWatchdog.WatchedAsync(Worker, _entry, _clock, async end =>
            {
                await foreach (WorkerEvent next in Worker.ExecuteAsync(new WorkerJob { Serve = new ServeJob { Model = Folders } }, end).ConfigureAwait(false))
                {
                    if (next.KindCase == WorkerEvent.KindOneofCase.Ready) _ready.TrySetResult();
                    if (next.KindCase == WorkerEvent.KindOneofCase.Sample) _entry.Report(next.Sample);
                }
                return true;
            }, _end.Token, idles: true).ConfigureAwait(false);
            _ready.TrySetException(new WorkerDiedException(exitCode: 0));
        }
        catch (Exception error)
        {
            _ready.TrySetException(error);
            // Nobody may be waiting for it.
            _ = _ready.Task.Exception;
        }
    }
}
