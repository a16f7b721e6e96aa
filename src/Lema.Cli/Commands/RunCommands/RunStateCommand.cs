using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Following;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Asks a run to change its state, and says which one it is in then.</summary>
internal abstract class RunStateCommand : LemaCommand
{
    private readonly Argument<string> _run = RunArgument.Create();

    protected RunStateCommand(string name, string description, string example) : base(name, description, example) => Add(_run);

    protected abstract Task<RunDetail> AskAsync(Training.TrainingClient training, string run, Invocation call, CancellationToken cancellation);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        RunDetail detail = await AskAsync(host.Training, call.Get(_run), call, cancellation);
        call.Output.Result(detail, _ => call.Output.Note($"{detail.Summary.Name} is {RunText.State(detail.Summary.State)}."));
        return ExitCode.Done;
    }
}
