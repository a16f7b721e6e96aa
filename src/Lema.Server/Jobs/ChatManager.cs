using System.Runtime.CompilerServices;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Monitoring;
using Lema.Server.Workers;

namespace Lema.Server.Jobs;

/// <summary>
/// Workers that hold a model open for chat. One a model and adapter; it is released after some minutes without a call, or at once when another job needs its memory.
/// Where there is no memory for one, the worker of the run in question answers between two steps. Lives as long as the daemon.
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
        ServingWorker? serving = null;
        while (serving is null)
        {
            Task released = memory.NextRelease;
            IEngineWorker? training = null;
            try
            {
                serving = await AcquireAsync(target, stop).ConfigureAwait(false);
            }
            catch (BudgetExceededException) when ((training = board.WorkerOf(target.RunId)) is not null)
            {
                // The run that has the memory answers itself.
            }
            if (training is null) continue;
            yield return new ChatResponse { Progress = new Progress { Phase = "waiting for a step of the run to end" } };
            bool answered = false;
            await foreach (ChatResponse response in UntilLostAsync(training, Between(request, target), stop).ConfigureAwait(false))
            {
                answered = true;
                yield return response;
            }
            if (answered) yield break;
            // It ended before it came to this: its memory is free in a moment.
            await released.WaitAsync(stop).ConfigureAwait(false);
        }
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

    private static GenerateRepliesRequest Between(GenerateRepliesRequest request, Target target)
    {
        GenerateRepliesRequest asked = request.Clone();
        asked.Adapter = target.Folders.Adapter;
        return asked;
    }

    /// <summary>Nothing at all when the worker ends before its first response.</summary>
    private static async IAsyncEnumerable<ChatResponse> UntilLostAsync(IEngineWorker worker, GenerateRepliesRequest request, [EnumeratorCancellation] CancellationToken stop)
    {
        await using IAsyncEnumerator<ChatResponse> responses = worker.GenerateAsync(request, stop).GetAsyncEnumerator(stop);
        bool first = true;
        while (true)
        {
            try
            {
                if (!await responses.MoveNextAsync().ConfigureAwait(false)) yield break;
            }
            catch (Exception error) when (first && !stop.IsCancellationRequested && WorkerFailure.From(error).WorkerLost)
            {
                yield break;
            }
            first = false;
            yield return responses.Current;
        }
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
                IEngineWorker worker = await workers.StartAsync(label, memoryLimitBytes: null, stop).ConfigureAwait(false);
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
