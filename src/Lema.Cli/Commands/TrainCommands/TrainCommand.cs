using System.CommandLine;
using Lema.Cli.Commands.RunCommands;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.RunFiles;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.TrainCommands;

/// <summary>Starts a run and follows it.</summary>
internal sealed class TrainCommand : LemaCommand
{
    private readonly RunFileOptions _run = new();
    private readonly Option<string?> _name = new("--name", "-n") { Description = "Name of the run. [one is made up]", HelpName = "NAME" };
    private readonly Option<string?> _heldout = new("--eval-dataset") { Description = "Dataset of held-out rows for the evaluations. [the one that belongs to the dataset]", HelpName = "DATASET" };
    private readonly Option<int> _priority = new("--priority") { Description = "Higher is sooner in the queue." };
    private readonly Option<bool> _detach = new("--detach") { Description = "Start the run and leave." };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Plan, memory, time and the first rows with their masks; nothing is started." };
    private readonly FollowOptions _follow = new();

    public TrainCommand() : base(
        "train",
        "Start a run and follow it. Ctrl-C leaves, and the run goes on; Ctrl-C twice stops it.",
        "lema-remote train --model lema-tiny --dataset replies --set steps=200 --set microBatchSize=16",
        "lema-remote train --host gpu01 --config run.yaml --name first --detach",
        "lema-remote train --config run.yaml --dry-run")
    {
        _run.AddTo(this);
        foreach (Option option in new Option[] { _name, _heldout, _priority, _detach, _dryRun }) Add(option);
        _follow.AddTo(this);
        Add(new TrainInitCommand());
        Add(new TrainSchemaCommand());
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        RunFile file = await _run.ReadAsync(call, cancellation);
        await using HostConnection host = await call.ConnectAsync(cancellation);
        await RunFileOptions.UploadInitAdapterAsync(file, host, call, cancellation);
        if (call.Get(_dryRun)) return await DryRun.ShowAsync(file, host, call.Output, examples: true, cancellation);
        StartRunRequest request = new()
        {
            Name = call.Get(_name) ?? file.Name ?? "",
            Model = file.Model,
            Dataset = file.Dataset,
            Settings = file.Settings,
            EvaluationDataset = call.Get(_heldout) ?? file.EvaluationDataset ?? "",
            Priority = call.Get(_priority),
            IdempotencyKey = Guid.NewGuid().ToString("N"),
        };
        RunDetail started = await RunFileCheck.AskAsync(file, () => CallRetry.ForFirstAnswer(call.Output.Note, host.Entry)
            .ExecuteAsync(async token => await host.Training.StartRunAsync(request, cancellationToken: token), cancellation).AsTask());
        string reattach = ReattachCommand.Of(call, started.Summary.Name);
        if (call.Get(_detach))
        {
            call.Output.Result(started, console => RunDetailText.Write(console, started));
            call.Output.Note($"Follow it: {reattach}");
            return ExitCode.Done;
        }
        if (call.Output.Json) call.Output.WriteJson(started);
        return await _follow.FollowAsync(call, host, started.Summary.Id, reattach, afterSequence: null, cancellation);
    }
}
