using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.ViewModels;

namespace Lema.Web.Feeds;

/// <summary>One run: its state, curves, checkpoints, evaluations and log, kept up to date from a snapshot and numbered events.</summary>
public sealed class RunFeed(Training.TrainingClient client, string run) : LiveFeed
{
    public const int KeptLogLines = 2_000;

    private readonly Lock _gate = new();
    private readonly Queue<NumberedLogLine> _log = new();
    private RunDetail? _detail;

    /// <summary>The run as it is now, or null before the first message. A copy that does not change.</summary>
    public RunDetail? Detail
    {
        get { lock (_gate) return _detail?.Clone(); }
    }

    public RunCurves Curves { get; } = new();

    /// <summary>Number of the last event that is in here.</summary>
    public ulong Sequence { get; private set; }

    /// <summary>Events that are missing between two messages; the protocol promises none.</summary>
    public ulong MissedEvents { get; private set; }

    /// <summary>Last lines, oldest first.</summary>
    public IReadOnlyList<NumberedLogLine> Log
    {
        get { lock (_gate) return [.. _log]; }
    }

    protected override Task FollowAsync(CancellationToken stop) =>
        ConsumeAsync(RunWatch.FollowAsync(client, new WatchRunRequest { Run = run }, stop), Apply, stop);

    internal void Apply(WatchRunResponse response)
    {
        lock (_gate)
        {
            if (response.Snapshot is { } snapshot) Begin(snapshot);
            else if (response.Events is { } events) GoOn(events);
        }
    }

    private void Begin(RunSnapshot snapshot)
    {
        _detail = snapshot.Run;
        Sequence = snapshot.Sequence;
        Curves.Replace(snapshot.Series);
        _log.Clear();
        foreach (NumberedLogLine line in snapshot.Log) Keep(line);
    }

    private void GoOn(RunEvents events)
    {
        if (_detail is null) return;
        foreach (RunEvent one in events.Events)
        {
            if (one.Sequence.First > Sequence + 1) MissedEvents += one.Sequence.First - Sequence - 1;
            Sequence = one.Sequence.Last;
            Apply(one, _detail);
        }
        if (events.Run is { } summary) _detail.Summary = summary;
    }

    private void Apply(RunEvent one, RunDetail detail)
    {
        switch (one.BodyCase)
        {
            case RunEvent.BodyOneofCase.Steps:
                foreach (StepPoint point in one.Steps.Points) Curves.Append(point);
                break;
            case RunEvent.BodyOneofCase.Evaluation:
                Curves.Append(one.Evaluation);
                detail.Evaluations.Add(one.Evaluation);
                break;
            case RunEvent.BodyOneofCase.Checkpoint:
                AddCheckpoint(detail, one.Checkpoint);
                break;
            case RunEvent.BodyOneofCase.CheckpointsRemoved:
                Remove(detail, checkpoint => one.CheckpointsRemoved.Steps.Contains(checkpoint.Step));
                break;
            case RunEvent.BodyOneofCase.Plan:
                detail.Plan = one.Plan;
                break;
            case RunEvent.BodyOneofCase.Log:
                Keep(new NumberedLogLine { Sequence = one.Sequence.Last, Time = one.Time, Line = one.Log });
                break;
        }
    }

    private static void AddCheckpoint(RunDetail detail, Checkpoint checkpoint)
    {
        Remove(detail, old => old.Step == checkpoint.Step);
        if (checkpoint.Best)
        {
            foreach (Checkpoint old in detail.Checkpoints) old.Best = false;
        }
        detail.Checkpoints.Add(checkpoint);
    }

    private static void Remove(RunDetail detail, Predicate<Checkpoint> gone)
    {
        for (int i = detail.Checkpoints.Count - 1; i >= 0; i--)
        {
            if (gone(detail.Checkpoints[i])) detail.Checkpoints.RemoveAt(i);
        }
    }

    private void Keep(NumberedLogLine line)
    {
        if (_log.Count == KeptLogLines) _log.Dequeue();
        _log.Enqueue(line);
    }
}
