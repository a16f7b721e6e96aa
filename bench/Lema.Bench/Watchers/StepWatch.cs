using Lema.Engine.Errors;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Bench.Watchers;

/// <summary>The seconds that each step of a run took, as they become known.</summary>
internal sealed class StepWatch
{
    private readonly Lock _gate = new();
    private readonly List<double> _seconds = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _ended;

    public async Task FollowAsync(Training.TrainingClient training, string run, CancellationToken stop)
    {
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(training, new WatchRunRequest { Run = run, AfterSequence = 0, ProgressIntervalSeconds = 0.05 }, stop))
        {
            if (update is StreamUpdate<WatchRunResponse>.Message { Value.Events: { } events })
                Add(events.Events.Where(e => e.BodyCase == RunEvent.BodyOneofCase.Steps).SelectMany(e => e.Steps.Points).Select(point => point.Seconds));
        }
        lock (_gate) _ended = true;
        _changed.TrySetResult();
    }

    public async Task UntilAsync(int step)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_seconds.Count >= step) return;
                if (_ended) throw new InvalidInputException("bench/run", "watchers", "the run ended too soon");
                changed = _changed.Task;
            }
            await changed;
        }
    }

    /// <summary>Median of the next steps, without the one that is under way.</summary>
    public async Task<double> MedianOfNextAsync(int count)
    {
        int first;
        lock (_gate) first = _seconds.Count + 1;
        await UntilAsync(first + count);
        lock (_gate) return Statistics.Median([.. _seconds.GetRange(first, count)]);
    }

    private void Add(IEnumerable<double> seconds)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _seconds.AddRange(seconds);
            changed = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        changed.TrySetResult();
    }
}
