using Lema.Protocol.V1;

namespace Lema.Server.Runs;

/// <summary>
/// One run in memory: what it is now, its newest events and its curves. Shared by everything that watches or changes the run; lives while anything does, or while the
/// run is at work. Only the journal changes it, after the change is on the disk.
/// </summary>
internal sealed class RunSession(RunDetail detail, RunStore store)
{
    private const ulong TailLength = 4_096;

    /// <summary>Bounds what shared messages hold: one for each of the newest numbers, none for whoever reads a long log.</summary>
    private const ulong SharedEvents = 16;

    private readonly Lock _gate = new();
    private readonly RunEvent?[] _tail = new RunEvent?[TailLength];
    private readonly Dictionary<ulong, RunEvents> _deltas = [];
    private ulong _tailLength;
    private RunDetail _detail = detail;
    private StepColumns? _steps;
    private TaskCompletionSource _changed = NewSignal();
    private TaskCompletionSource _changedUrgently = NewSignal();

    public string Id { get; } = detail.Summary.Id;

    /// <summary>A copy of the run as it is now.</summary>
    public RunDetail Detail
    {
        get { lock (_gate) return _detail.Clone(); }
    }

    public RunSummary Summary
    {
        get { lock (_gate) return _detail.Summary.Clone(); }
    }

    public RunState State
    {
        get { lock (_gate) return _detail.Summary.State; }
    }

    public ulong Sequence
    {
        get { lock (_gate) return _detail.Summary.Sequence; }
    }

    /// <summary>Ends with the next change, and with the next that must not wait for the rhythm of progress.</summary>
    public (Task Any, Task Urgent) NextChange
    {
        get { lock (_gate) return (_changed.Task, _changedUrgently.Task); }
    }

    /// <summary>The run, its curves and how far they reach, as of one moment.</summary>
    public (RunDetail Run, IReadOnlyList<Series> Series) Snapshot(IReadOnlyCollection<string> names, long fromStep, long toStep, int maxPoints)
    {
        lock (_gate)
        {
            _steps ??= store.ReadSteps(Id);
            IEnumerable<EvaluationPoint> evaluations = _detail.Evaluations.Where(e => e.Step >= fromStep && (toStep <= 0 || e.Step <= toStep));
            return (_detail.Clone(), [.. SeriesBuilder.Build(_steps.Between(fromStep, toStep), evaluations, names, maxPoints)]);
        }
    }

    /// <summary>
    /// What comes after a number, as much as one message holds; null when nothing has come. Watchers who are nearly up to date and at the same place share the message: it is
    /// made once and must not be changed.
    /// </summary>
    public RunEvents? DeltaAfter(ulong after)
    {
        lock (_gate)
        {
            if (after >= _detail.Summary.Sequence) return null;
            if (_deltas.TryGetValue(after, out RunEvents? shared)) return shared;
        }
        IReadOnlyList<RunEvent> events = EventsAfter(after, RunDelta.MostEvents);
        // After the events, so that it is never older than they are: a watcher takes the run's end from it.
        RunSummary summary = Summary;
        RunEvents delta = RunDelta.Of(summary, events);
        lock (_gate)
        {
            if (summary.Sequence == _detail.Summary.Sequence && summary.Sequence - after <= SharedEvents) _deltas[after] = delta;
        }
        return delta;
    }

    /// <summary>Events above a number, in order and at most so many; from memory when it reaches back that far.</summary>
    private IReadOnlyList<RunEvent> EventsAfter(ulong after, int limit)
    {
        lock (_gate)
        {
            ulong newest = _detail.Summary.Sequence;
            if (after >= newest) return [];
            if (newest - after <= _tailLength)
            {
                RunEvent[] events = new RunEvent[Math.Min((ulong)limit, newest - after)];
                for (ulong i = 0; i < (ulong)events.Length; i++) events[i] = _tail[(after + 1 + i) % TailLength]!;
                return events;
            }
        }
        return store.ReadEvents(Id, after, limit);
    }

    /// <summary>Takes over what has been committed and wakes the watchers.</summary>
    public void Publish(RunDetail detail, IReadOnlyList<RunEvent> events)
    {
        TaskCompletionSource changed, urgent;
        bool isUrgent = events.Any(RunDelta.IsUrgent);
        lock (_gate)
        {
            _detail = detail;
            _deltas.Clear();
            foreach (RunEvent change in events)
            {
                // An event in a log has one number, the next one's is one higher: its place in the ring.
                _tail[change.Sequence.First % TailLength] = change;
                _tailLength = Math.Min(_tailLength + 1, TailLength);
                if (_steps is null || change.BodyCase != RunEvent.BodyOneofCase.Steps) continue;
                foreach (StepPoint point in change.Steps.Points) _steps.Add(point);
            }
            changed = _changed;
            urgent = _changedUrgently;
            _changed = NewSignal();
            if (isUrgent) _changedUrgently = NewSignal();
        }
        changed.SetResult();
        if (isUrgent) urgent.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
