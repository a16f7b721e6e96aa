using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>The runs that wait for their start, and word to whoever starts them that there is something to do. Lives as long as the daemon.</summary>
internal sealed class RunQueue(RunStore store, RunJournal journal, TimeProvider clock)
{
    private readonly SemaphoreSlim _news = new(0);

    /// <summary>Ids in the order they will start.</summary>
    public IReadOnlyList<string> Waiting => store.Queue();

    /// <summary>The checkpoint that a run is to go on from; 0: the newest.</summary>
    public long ResumeStep(string runId) => store.ResumeStep(runId);

    /// <summary>Something was queued, or may find place now.</summary>
    public void Wake() => _news.Release();

    public Task NewsAsync(CancellationToken stop) => _news.WaitAsync(stop);

    /// <summary>Puts a run at the end of its priority's queue; it goes on from where it was to go on before.</summary>
    /// <exception cref="Errors.ConflictException">The run is in another state by now.</exception>
    public Task AddAsync(RunSession session, RunState from, string reason) => AddAsync(session, from, reason, resumeStep: null);

    /// <summary>Puts a run there because a user said so.</summary>
    /// <param name="resumeStep">The checkpoint to go on from; 0: the newest.</param>
    /// <exception cref="Errors.ConflictException">The run is in another state by now.</exception>
    public Task ResumeAsync(RunSession session, RunState from, long resumeStep) => AddAsync(session, from, "", resumeStep);

    private async Task AddAsync(RunSession session, RunState from, string reason, long? resumeStep)
    {
        DateTimeOffset now = clock.GetUtcNow();
        // In one transaction: another who queues the run in the same moment is refused whole.
        await journal.ChangeStateAsync(session, from, RunState.Queued, reason, write: (connection, transaction) =>
        {
            RunStore.Enqueue(connection, transaction, session.Id, now);
            if (resumeStep is { } step) RunStore.BeginAnew(connection, transaction, session.Id, step);
        }).ConfigureAwait(false);
        Wake();
    }
}
