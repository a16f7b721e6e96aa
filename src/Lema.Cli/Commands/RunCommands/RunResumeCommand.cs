using System.CommandLine;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Queues a run again from a checkpoint.</summary>
internal sealed class RunResumeCommand : RunStateCommand
{
    private readonly Option<long> _checkpoint = new("--checkpoint") { Description = "Step of the checkpoint to go on from; 0: the last one. Later ones are removed as soon as the run has saved another.", HelpName = "STEP" };

    public RunResumeCommand() : base("resume", "Queue a paused, interrupted, stopped or failed run again, from its last checkpoint.", "lema-remote run resume first") => Add(_checkpoint);

    protected override async Task<RunDetail> AskAsync(Training.TrainingClient training, string run, Invocation call, CancellationToken cancellation) =>
        await training.ResumeRunAsync(new ResumeRunRequest { Run = run, CheckpointStep = call.Get(_checkpoint) }, cancellationToken: cancellation);
}
