using Grpc.Core;
using Lema.Cli.Commands;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Cli.Terminals;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Cli.Following;

/// <summary>
/// Follows one run to its end, over lost connections, sleep and restarts of the daemon. Ctrl-C leaves and lets the run go on; a second one within
/// <see cref="StopPatience"/> asks it to stop.
/// </summary>
internal sealed class RunFollower(HostConnection host, Output output, CliEnvironment environment)
{
    /// <summary>How long a second Ctrl-C is waited for.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(2);

    /// <summary>Whoever presses Ctrl-C twice does not wait for a host that does not answer.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);

    /// <summary>A log without a terminal gets a line for each twentieth of the run.</summary>
    private const int Milestones = 20;

    private readonly RunProgress _progress = new();
    private bool _lost;

    /// <param name="run">Id or name.</param>
    /// <param name="reattach">The command line that follows the run again; null: Ctrl-C just cancels.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> FollowAsync(string run, string? reattach, ulong? afterSequence, CancellationToken cancellation)
    {
        WatchRunRequest request = new() { Run = run };
        if (afterSequence is { } sequence) request.AfterSequence = sequence;
        try
        {
            await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(host.Training, request, cancellation))
            {
                if (update is StreamUpdate<WatchRunResponse>.Message { Value: var message }) Show(message);
                else if (update is StreamUpdate<WatchRunResponse>.Lost lost) ShowLost(lost);
            }
            output.Live.Keep();
        }
        catch (Exception) when (reattach is not null && cancellation.IsCancellationRequested)
        {
            return await LeaveAsync(run, reattach);
        }
        if (afterSequence is not null && !RunText.HasEnded(_progress.Run.State)) _progress.Apply(new RunEvent(), (await host.Training.GetRunAsync(new GetRunRequest { Run = run }, cancellationToken: cancellation)).Summary);
        return _progress.Run.State == RunState.Failed ? ExitCode.Failed : ExitCode.Done;
    }

    private void Show(WatchRunResponse message)
    {
        if (_lost) output.Note("Connected again.");
        _lost = false;
        if (output.Json) output.WriteJson(message);
        if (message.KindCase == WatchRunResponse.KindOneofCase.Snapshot)
        {
            _progress.Apply(message.Snapshot);
            ShowSnapshot(message.Snapshot);
        }
        else
        {
            foreach (RunEvent happened in message.Events.Events) ShowEvent(happened, message.Events.Run);
        }
        long milestone = _progress.Run.TotalSteps > 0 ? _progress.Run.Step * Milestones / _progress.Run.TotalSteps : 0;
        if (!output.Json) output.Live.Show(width => RunText.ProgressLine(_progress, width), $"{_progress.Phase} {milestone}");
    }

    private void ShowSnapshot(RunSnapshot snapshot)
    {
        if (output.Json) return;
        RunSummary run = snapshot.Run.Summary;
        output.Note($"{run.Name} ({run.Id}): {RunText.State(run.State)}{(run.Step > 0 ? $", step {run.Step} of {run.TotalSteps}" : "")}");
        foreach (EvaluationPoint point in snapshot.Run.Evaluations) output.Note(RunText.EvaluationLine(point));
    }

    private void ShowEvent(RunEvent happened, RunSummary after)
    {
        _progress.Apply(happened, after);
        if (!output.Json && RunText.EventLine(happened) is { } line) output.Note(line);
    }

    private void ShowLost(StreamUpdate<WatchRunResponse>.Lost lost)
    {
        if (!_lost) output.Note($"{lost.Reason.Message} The run goes on without this window; trying to get back to it.");
        _lost = true;
    }

    private async Task<int> LeaveAsync(string run, string reattach)
    {
        output.Live.Keep();
        output.Warn($"Detached: the run goes on. Follow it again: {reattach}");
        output.Warn($"Ctrl-C once more within {StopPatience.TotalSeconds:0} s stops the run.");
        try
        {
            await Task.Delay(StopPatience, environment.Clock, environment.Interrupts.Second);
        }
        catch (OperationCanceledException)
        {
            await AskToStopAsync(run);
        }
        return ExitCode.Interrupted;
    }

    private async Task AskToStopAsync(string run)
    {
        try
        {
            RunDetail detail = await host.Training.StopRunAsync(new StopRunRequest { Run = run }, deadline: DateTime.UtcNow + StopLimit);
            output.Warn($"Asked {detail.Summary.Name} to stop; it saves its last finished step first.");
        }
        catch (RpcException error)
        {
            output.Warn($"It may not have heard that, and go on: {Failure.From(error).Message} Ask again: {LemaRootCommand.ProgramName} run stop {run}");
        }
    }
}
