using Lema.Cli.Connections;
using Lema.Cli.RunFiles;

namespace Lema.Cli.Commands.TrainCommands;

/// <summary>What a run would need.</summary>
internal sealed class EstimateCommand : LemaCommand
{
    private readonly RunFileOptions _run = new();

    public EstimateCommand() : base(
        "estimate",
        "The plan of a run: memory a tier, bytes streamed, seconds a step and in all, from measured disk and compute speed. Exit code 7 when it cannot fit.",
        "lema-remote estimate --model llama2-7b --dataset replies --set memory.weightBytes=4GiB --set steps=500") => _run.AddTo(this);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        RunFile file = await _run.ReadAsync(call, cancellation);
        await using HostConnection host = await call.ConnectAsync(cancellation);
        await RunFileOptions.UploadInitAdapterAsync(file, host, call, cancellation);
        return await DryRun.ShowAsync(file, host, call.Output, examples: false, cancellation);
    }
}
