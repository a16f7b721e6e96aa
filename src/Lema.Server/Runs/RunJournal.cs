using System.Threading.Channels;
using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;
using Lema.Server.Monitoring;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Runs;

/// <summary>
/// The one writer of runs' event logs. Gives every event its number, commits events that arrive together in one transaction, and only then shows them to watchers: a
/// number that has been seen is never lost or given twice. Lives as long as the daemon.
/// </summary>
internal sealed class RunJournal : IAsyncDisposable
{
    private readonly Channel<Entry> _entries = Channel.CreateBounded<Entry>(new BoundedChannelOptions(1_024) { SingleReader = true });
    private readonly RunStore _store;
    private readonly RunsFeed _feed;
    private readonly DaemonMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly Task _writer;

    public RunJournal(RunStore store, RunsFeed feed, DaemonMetrics metrics, TimeProvider clock)
    {
        _store = store;
        _feed = feed;
        _metrics = metrics;
        _clock = clock;
        _writer = Task.Run(WriteAsync);
    }

    private sealed record Entry(
        RunSession Session, IReadOnlyList<RunEvent> Events, Action<RunDetail>? Change, Action<SqliteConnection, SqliteTransaction>? Write, TaskCompletionSource Committed);

    /// <summary>Appends events, without sequence or time, and waits until they are on the disk.</summary>
    /// <param name="change">Further changes to the run, made in the same transaction.</param>
    /// <param name="write">What else belongs in that transaction.</param>
    /// <exception cref="Errors.ConflictException">A change of state that cannot follow; nothing has been written.</exception>
    /// <exception cref="Engine.Errors.NotFoundException">The run has been removed.</exception>
    public async Task AppendAsync(
        RunSession session, IReadOnlyList<RunEvent> events, Action<RunDetail>? change = null, Action<SqliteConnection, SqliteTransaction>? write = null)
    {
        TaskCompletionSource committed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _entries.Writer.WriteAsync(new Entry(session, events, change, write, committed)).ConfigureAwait(false);
        await committed.Task.ConfigureAwait(false);
    }

    public Task AppendAsync(RunSession session, RunEvent change) => AppendAsync(session, [change]);

    /// <summary>Moves a run to another state.</summary>
    public Task ChangeStateAsync(
        RunSession session, RunState from, RunState to, string reason = "", Action<RunDetail>? change = null, Action<SqliteConnection, SqliteTransaction>? write = null) =>
        AppendAsync(session, [new RunEvent { State = new StateChange { From = from, To = to, Reason = reason } }], change, write);

    public Task LogAsync(RunSession session, LogLine.Types.Level level, string text) =>
        AppendAsync(session, new RunEvent { Log = new LogLine { Level = level, Text = text } });

    public async ValueTask DisposeAsync()
    {
        _entries.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
    }

    private async Task WriteAsync()
    {
        List<Entry> batch = [];
        while (await _entries.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            while (batch.Count < 256 && _entries.Reader.TryRead(out Entry? entry)) batch.Add(entry);
            await CommitAsync(batch).ConfigureAwait(false);
        }
    }

    private async Task CommitAsync(List<Entry> batch)
    {
        Dictionary<RunSession, Pending> pending = [];
        List<Entry> accepted = [];
        List<(Entry Entry, Exception Why)> refused = [];
        Timestamp now = Timestamp.FromDateTimeOffset(_clock.GetUtcNow());
        foreach (Entry entry in batch)
        {
            if (!pending.TryGetValue(entry.Session, out Pending? run)) pending[entry.Session] = run = new Pending(entry.Session.Detail);
            if (run.TryAdd(entry, now) is { } why) refused.Add((entry, why));
            else accepted.Add(entry);
        }
        try
        {
            await _store.Database.WriteAsync((connection, transaction) =>
            {
                foreach ((RunSession session, Pending run) in pending)
                {
                    RunStore.Update(connection, transaction, run.Detail);
                    foreach (RunEvent change in run.Events) RunStore.InsertEvent(connection, transaction, session.Id, change);
                    foreach (Action<SqliteConnection, SqliteTransaction> write in run.Writes) write(connection, transaction);
                }
            }).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // What cannot be written of one run, such as one that was removed meanwhile, is no trouble of the others: each by itself.
            if (pending.Count > 1)
            {
                foreach (IGrouping<RunSession, Entry> one in batch.GroupBy(entry => entry.Session)) await CommitAsync([.. one]).ConfigureAwait(false);
                return;
            }
            foreach (Entry entry in accepted) entry.Committed.SetException(error);
            // What they were refused for has not come about.
            if (accepted.Count > 0 && refused.Count > 0) await CommitAsync([.. refused.Select(one => one.Entry)]).ConfigureAwait(false);
            else foreach ((Entry entry, Exception why) in refused) entry.Committed.SetException(why);
            return;
        }
        foreach ((RunSession session, Pending run) in pending)
        {
            session.Publish(run.Detail, run.Events);
            _feed.Changed(run.Detail.Summary);
            _metrics.Committed(run.Events);
        }
        foreach (Entry entry in accepted) entry.Committed.SetResult();
        // Not before: who is refused looks at the state that it was refused for.
        foreach ((Entry entry, Exception why) in refused) entry.Committed.SetException(why);
    }

    /// <summary>A run as it will be once the transaction is through.</summary>
    private sealed class Pending(RunDetail detail)
    {
        public RunDetail Detail { get; private set; } = detail;

        public List<RunEvent> Events { get; } = [];

        public List<Action<SqliteConnection, SqliteTransaction>> Writes { get; } = [];

        /// <summary>Adds all of the entry's events, or none.</summary>
        /// <returns>Why none.</returns>
        public Exception? TryAdd(Entry entry, Timestamp now)
        {
            RunDetail next = Detail.Clone();
            List<RunEvent> numbered = [];
            try
            {
                foreach (RunEvent change in entry.Events)
                {
                    RunEvent copy = change.Clone();
                    ulong number = next.Summary.Sequence + 1;
                    copy.Sequence = new SequenceRange { First = number, Last = number };
                    copy.Time = now;
                    if (copy.BodyCase == RunEvent.BodyOneofCase.Steps) foreach (StepPoint point in copy.Steps.Points) point.Time ??= now;
                    RunProjection.Apply(next, copy);
                    numbered.Add(copy);
                }
                entry.Change?.Invoke(next);
            }
            catch (Exception error)
            {
                return error;
            }
            Detail = next;
            Events.AddRange(numbered);
            if (entry.Write is not null) Writes.Add(entry.Write);
            return null;
        }
    }
}
