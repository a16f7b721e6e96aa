using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>What a run has written for people.</summary>
internal sealed class RunLogCommand : LemaCommand
{
    private readonly Argument<string> _run = RunArgument.Create();

    public RunLogCommand() : base("log", "What the run has written for people.", "lema-remote run log first") => Add(_run);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        ReadLogRequest request = new() { Run = call.Get(_run) };
        ReadLogResponse answer;
        do
        {
            answer = await host.Training.ReadLogAsync(request, cancellationToken: cancellation);
            foreach (NumberedLogLine line in answer.Lines)
            {
                call.Output.Result(line, console => console.Profile.Out.Writer.WriteLine(
                    SafeText.Of($"{Quantity.Time(line.Time.ToDateTimeOffset())}  {line.Line.Level.ToString().ToLowerInvariant(),-11}  {line.Line.Text}")));
                request.AfterSequence = line.Sequence;
            }
        }
        while (answer.More);
        return ExitCode.Done;
    }
}
