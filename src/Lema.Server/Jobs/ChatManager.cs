using System.Runtime.CompilerServices;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Monitoring;
using Lema.Server.Workers;

namespace Lema.Server.Jobs;

/// <summary>
/// Workers that hold a model open for chat. One a model and adapter; it is released after some minutes without a call, or at once when another job needs its memory.
/// Lives as long as the daemon.
/// </summary>
internal sealed class ChatManager(IEngineWorkerFactory workers, MemoryLedger memory, WorkerBoard board, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan IdleLimit = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<ModelFolders, ServingWorker> _serving = [];

    /// <exception cref="BudgetExceededException">The model does not fit beside the jobs that run.</exception>
    public async IAsyncEnumerable<ChatResponse> ChatAsync(Target target, GenerateRepliesRequest request, [EnumeratorCancellation] CancellationToken stop)
    {
        yield return new ChatResponse { Progress = new Progress { Phase = "opening the model" } };
        ServingWorker serving = await AcquireAsync(target, stop).ConfigureAwait(false);
        bool lost = true;
        try
        {
            await serving.Ready.WaitAsync(stop).ConfigureAwait(false);
            await foreach (ChatResponse response in serving.Worker.GenerateAsync(request, stop).ConfigureAwait(false)) yield return response;
            lost = false;
        }
        finally
        {
            await ReleaseAsync(serving, lost && !stop.IsCancellationRequested).ConfigureAwait(false);
        }
    }

    /// <summary>Gives back the memory of every model that nobody talks to.</summary>
    public async Task ReleaseIdleAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (ServingWorker idle in _serving.Values.Where(s => s.Users == 0).ToArray()) await RemoveAsync(idle).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        foreach (ServingWorker serving in _serving.Values.ToArray()) await RemoveAsync(serving).ConfigureAwait(false);
        _gate.Release();
    }

    private async Task<ServingWorker> AcquireAsync(Target target, CancellationToken stop)
    {
        await _gate.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            if (_serving.TryGetValue(target.Folders, out ServingWorker? known))
            {
                if (!known.HasEnded)
                {
                    known.Users++;
                    return known;
                }
                await RemoveAsync(known).ConfigureAwait(false);
            }
            long bytes = JobMemory.ForWeights(target.WeightBytes);
            foreach (ServingWorker idle in _serving.Values.Where(s => s.Users == 0).OrderBy(s => s.LastUsed).ToArray())
            {
                if (memory.FreeBytes >= bytes) break;
                await RemoveAsync(idle).ConfigureAwait(false);
            }
            string label = $"chat {target.Label}";
            IDisposable reservation = memory.Reserve(label, bytes);
            try
            {
                IEngineWorker worker = await workers.StartAsync(label, stop).ConfigureAwait(false);
                ServingWorker serving = new(target.Folders, worker, reservation, board.Add(label, worker, bytes), clock) { Users = 1 };
                _serving.Add(target.Folders, serving);
                return serving;
            }
            catch
            {
                reservation.Dispose();
                throw;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task ReleaseAsync(ServingWorker serving, bool lost)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            serving.Users--;
            serving.LastUsed = clock.GetTimestamp();
            if (lost && serving.HasEnded && serving.Users == 0) await RemoveAsync(serving).ConfigureAwait(false);
            else if (serving.Users == 0) _ = EndWhenIdleAsync(serving);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task EndWhenIdleAsync(ServingWorker serving)
    {
        await Task.Delay(IdleLimit, clock).ConfigureAwait(false);
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (serving.Users == 0 && clock.GetElapsedTime(serving.LastUsed) >= IdleLimit) await RemoveAsync(serving).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The caller holds the gate.</summary>
    private async Task RemoveAsync(ServingWorker serving)
    {
        if (_serving.TryGetValue(serving.Folders, out ServingWorker? current) && ReferenceEquals(current, serving)) _serving.Remove(serving.Folders);
        await serving.DisposeAsync().ConfigureAwait(false);
    }
}
