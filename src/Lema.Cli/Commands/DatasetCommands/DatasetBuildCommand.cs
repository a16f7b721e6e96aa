using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>Makes a dataset from the embedded fact base.</summary>
internal sealed class DatasetBuildCommand : LemaCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = "Name of the training rows; the held-out rows become NAME-heldout." };
    private readonly Option<int> _rows = new("--rows") { Description = "Training rows.", DefaultValueFactory = _ => 5000 };
    private readonly Option<int> _heldout = new("--heldout") { Description = "Held-out rows, of facts that no training row shows.", DefaultValueFactory = _ => 300 };
    private readonly Option<long> _seed = new("--seed") { Description = "One seed, one dataset.", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Replace a dataset of that name." };

    public DatasetBuildCommand() : base(
        "build", "Make question-and-reply rows in the [LEMA_REPLY] form from the embedded fact base, split by fact.",
        "lema-remote dataset build replies --rows 5000 --heldout 300 --seed 7")
    {
        Add(_name);
        Add(_rows);
        Add(_heldout);
        Add(_seed);
        Add(_overwrite);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        BuildDatasetRequest request = new()
        {
            Name = call.Get(_name),
            Rows = call.Get(_rows),
            HeldoutRows = call.Get(_heldout),
            Seed = call.Get(_seed),
            Overwrite = call.Get(_overwrite),
        };
        BuildDatasetResponse answer = await host.Datasets.BuildDatasetAsync(request, cancellationToken: cancellation);
        call.Output.Result(answer, console => DatasetText.WriteTable(console, [answer.Train, answer.Heldout]));
        return ExitCode.Done;
    }
}
