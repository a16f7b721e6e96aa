using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Following;
using Lema.Cli.Rendering;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>What happened in a run so far, but for its steps.</summary>
internal sealed class RunLogCommand : LemaCommand
{
    private readonly Argument<string> _run = RunArgument.Create();

    public RunLogCommand() : base(
        "log", "What happened in a run so far: states, phases, checkpoints, evaluations and everything it wrote for people. Its steps: run export.",
        "lema-remote run log first") => Add(_run);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        RunDetail run = await host.Training.GetRunAsync(new GetRunRequest { Run = call.Get(_run) }, cancellationToken: cancellation);
        ulong last = run.Summary.Sequence;
        ulong before = Math.Max(run.FirstSequence, 1) - 1;
        if (before >= last) return ExitCode.Done;
        WatchRunRequest request = new() { Run = run.Summary.Id, AfterSequence = before };
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(host.Training, request, cancellation))
        {
            if (update is not StreamUpdate<WatchRunResponse>.Message { Value.Events: { Events.Count: > 0 } message }) continue;
            foreach (RunEvent happened in message.Events.Where(e => e.Sequence.First <= last && e.BodyCase != RunEvent.BodyOneofCase.Steps)) Write(call.Output, happened);
            if (message.Events[^1].Sequence.Last >= last) break;
        }
        return ExitCode.Done;
    }

    private static void Write(Output output, RunEvent happened)
    {
        if (output.Json) output.WriteJson(happened);
        else if (RunText.HistoryLine(happened) is { } line) output.Text.Profile.Out.Writer.WriteLine(SafeText.Of($"{Quantity.Time(happened.Time.ToDateTimeOffset())}  {line}"));
    }
}
