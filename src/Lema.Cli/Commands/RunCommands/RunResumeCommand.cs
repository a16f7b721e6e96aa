using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Following;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Queues a run again from a checkpoint.</summary>
internal sealed class RunResumeCommand : LemaCommand
{
    private readonly Argument<string> _run = RunArgument.Create();
    private readonly Option<long> _checkpoint = new("--checkpoint") { Description = "Step of the checkpoint to go on from; 0: the last one.", HelpName = "STEP" };

    public RunResumeCommand() : base("resume", "Queue a paused, interrupted, stopped or failed run again, from its last checkpoint.", "lema-remote run resume first")
    {
        Add(_run);
        Add(_checkpoint);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        RunDetail detail = await host.Training.ResumeRunAsync(new ResumeRunRequest { Run = call.Get(_run), CheckpointStep = call.Get(_checkpoint) }, cancellationToken: cancellation);
        call.Output.Result(detail, _ => call.Output.Note($"{detail.Summary.Name} is {RunText.State(detail.Summary.State)}."));
        return ExitCode.Done;
    }
}
