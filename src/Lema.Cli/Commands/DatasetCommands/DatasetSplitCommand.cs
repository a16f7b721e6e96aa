using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>Divides a dataset into rows to train on and held-out rows.</summary>
internal sealed class DatasetSplitCommand : LemaCommand
{
    private readonly Argument<string> _name = new("DATASET") { Description = "Name of a dataset; it stays as it is, and DATASET-train and DATASET-heldout are made." };
    private readonly Option<double> _share = new("--share") { Description = "Share that is held out, between 0 and 1.", DefaultValueFactory = _ => 0.1 };
    private readonly Option<string?> _key = new("--key") { Description = "Field whose value keeps rows together on one side, also when rows are added later. [by row]", HelpName = "FIELD" };
    private readonly Option<long> _seed = new("--seed") { Description = "One seed, one division.", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Replace datasets of those names." };

    public DatasetSplitCommand() : base(
        "split", "Divide a dataset into rows to train on and held-out rows, by row or by the value of a field.",
        "lema-remote dataset split support-chats --share 0.05 --key customer")
    {
        Add(_name);
        foreach (Option option in new Option[] { _share, _key, _seed, _overwrite }) Add(option);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        SplitDatasetRequest request = new() { Name = call.Get(_name), Share = call.Get(_share), Key = call.Get(_key) ?? "", Seed = call.Get(_seed), Overwrite = call.Get(_overwrite) };
        if (!(request.Share > 0 && request.Share < 1)) throw new CliException(ExitCode.WrongUsage, $"--share {request.Share} is not between 0 and 1.");
        await using HostConnection host = await call.ConnectAsync(cancellation);
        SplitDatasetResponse answer = await host.Datasets.SplitDatasetAsync(request, cancellationToken: cancellation);
        call.Output.Result(answer, console => DatasetText.WriteTable(console, [answer.Train, answer.Heldout]));
        return ExitCode.Done;
    }
}
