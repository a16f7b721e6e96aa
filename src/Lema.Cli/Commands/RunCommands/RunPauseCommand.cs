using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Gives the machine free without losing the run.</summary>
internal sealed class RunPauseCommand() : RunStateCommand("pause", "Save a checkpoint after the step in progress and give the machine free.", "lema-remote run pause first")
{
    protected override async Task<RunDetail> AskAsync(Training.TrainingClient training, string run, Invocation call, CancellationToken cancellation) =>
        await training.PauseRunAsync(new PauseRunRequest { Run = run }, cancellationToken: cancellation);
}
