using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Files;
using Lema.Cli.RunExports;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>The curves of a run in the forms other tools read.</summary>
internal sealed class RunExportCommand : LemaCommand
{
    private const string Csv = "csv";
    private const string TensorBoard = "tensorboard";
    private const string TrainerStateName = "trainer-state";

    private readonly Argument<string> _run = RunArgument.Create();
    private readonly Option<string> _to = new("--to") { Description = "csv, tensorboard (an event file) or trainer-state (trainer_state.json).", DefaultValueFactory = _ => Csv };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "File, or for tensorboard a folder. [csv and trainer-state: standard output; tensorboard: the run's name]", HelpName = "PATH" };

    public RunExportCommand() : base(
        "export", "Write every step of the run for other tools.",
        "lema-remote run export first --to csv -o first.csv",
        "lema-remote run export first --to tensorboard -o runs/first")
    {
        _to.AcceptOnlyFromAmong(Csv, TensorBoard, TrainerStateName);
        Add(_run);
        Add(_to);
        Add(_output);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        if (call.Output.Json && call.Get(_output) is null && call.Get(_to) != TensorBoard) throw new CliException(ExitCode.WrongUsage, "With --format json standard output is for protobuf JSON alone.", "Name a file for the export: --output PATH.");
        await using HostConnection host = await call.ConnectAsync(cancellation);
        RunHistory history = await RunHistory.ReadAsync(host, call.Get(_run), cancellation);
        if (call.Get(_to) == TensorBoard) return WriteEvents(call, history);
        string text = call.Get(_to) == Csv ? CsvLog.Write(history) : TrainerState.Write(history);
        if (call.Get(_output) is not { } path)
        {
            call.Environment.Out.Write(text);
            return ExitCode.Done;
        }
        string file = call.Environment.FullPath(path);
        ResultFile.Write(file, text);
        call.Output.Wrote($"Wrote {file}.", file);
        return ExitCode.Done;
    }

    private int WriteEvents(Invocation call, RunHistory history)
    {
        string folder = call.Environment.FullPath(call.Get(_output) ?? history.Run.Summary.Name);
        string file = TensorBoardLog.Write(history, folder);
        call.Output.Wrote($"Wrote {file}. Look at it: tensorboard --logdir {folder}", file);
        return ExitCode.Done;
    }
}
