using System.Diagnostics.Metrics;
using Lema.Protocol.V1;
using Lema.Server.Jobs;
using Lema.Server.Runs;
using Lema.Server.Services;

namespace Lema.Server.Monitoring;

/// <summary>Figures of the daemon for OpenTelemetry. Lives as long as the daemon.</summary>
internal sealed class DaemonMetrics : IDisposable
{
    public const string MeterName = "Lema.Server";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _steps;
    private readonly Counter<long> _tokens;

    public DaemonMetrics(MemoryLedger memory, WorkerBoard board, WatchLimits watchers)
    {
        _steps = _meter.CreateCounter<long>("lema.training.steps", "{step}", "Finished optimizer updates of all runs.");
        _tokens = _meter.CreateCounter<long>("lema.training.tokens", "{token}", "Tokens trained on.");
        _meter.CreateObservableGauge("lema.memory.free", () => memory.FreeBytes, "By", "Memory not promised to any job.");
        _meter.CreateObservableGauge("lema.memory.reserved", () => memory.TotalBytes - memory.FreeBytes, "By", "Memory promised to jobs.");
        _meter.CreateObservableGauge("lema.workers", () => board.Count, "{process}", "Engine workers.");
        _meter.CreateObservableGauge("lema.watchers", () => watchers.Count, "{stream}", "Open watch calls.");
    }

    /// <summary>Figures that need the database; asked for at each reading.</summary>
    public void ObserveRuns(RunStore store) => _meter.CreateObservableGauge("lema.runs", () => store.CountByState()
        .Select(pair => new Measurement<long>(pair.Value, new KeyValuePair<string, object?>("state", RunStates.Word(pair.Key)))), "{run}", "Runs by state.");

    public void Committed(IEnumerable<RunEvent> events)
    {
        foreach (RunEvent change in events.Where(e => e.BodyCase == RunEvent.BodyOneofCase.Steps))
        {
            _steps.Add(change.Steps.Points.Count);
            _tokens.Add(change.Steps.Points.Sum(point => point.Tokens));
        }
    }

    public void Dispose() => _meter.Dispose();
}
