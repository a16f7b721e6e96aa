using System.CommandLine;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Ends a run.</summary>
internal sealed class RunStopCommand : RunStateCommand
{
    private readonly Option<bool> _discard = new("--discard") { Description = "End at once, without a checkpoint of the last finished step." };

    public RunStopCommand() : base("stop", "Save a checkpoint of the last finished step and end the run.", "lema-remote run stop first") => Add(_discard);

    protected override async Task<RunDetail> AskAsync(Training.TrainingClient training, string run, Invocation call, CancellationToken cancellation) =>
        await training.StopRunAsync(new StopRunRequest { Run = run, Discard = call.Get(_discard) }, cancellationToken: cancellation);
}
