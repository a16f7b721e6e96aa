using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Transfers;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>Brings a dataset file of this machine to the host.</summary>
internal sealed class DatasetUploadCommand : LemaCommand
{
    private readonly Argument<string> _name = new("NAME") { Description = "What the dataset will be called." };
    private readonly Argument<string> _file = new("FILE") { Description = "JSON Lines, JSON, CSV, Parquet (also .gz, .zst), or pre-tokenized .safetensors." };
    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Replace a dataset of that name." };

    public DatasetUploadCommand() : base(
        "upload", "Bring a dataset file of this machine to the host. A broken upload goes on where it was when the command is given again; 'lema-remote artifact abort dataset/NAME' gives it up.",
        "lema-remote dataset upload support-chats ./chats.jsonl")
    {
        Add(_name);
        Add(_file);
        Add(_overwrite);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string name = call.Get(_name);
        string file = call.Environment.FullPath(call.Get(_file));
        if (Directory.Exists(file)) throw new CliException(ExitCode.WrongUsage, $"{file} is a folder; a dataset is one file.");
        await using HostConnection host = await call.ConnectAsync(cancellation);
        await new Uploader(host, call.Output, call.Environment.Clock).UploadAsync(UploadKind.Dataset, name, file, call.Get(_overwrite), cancellation);
        ListDatasetsResponse all = await host.Datasets.ListDatasetsAsync(new ListDatasetsRequest(), cancellationToken: cancellation);
        Dataset dataset = all.Datasets.First(d => d.Name == name);
        call.Output.Result(dataset, console => DatasetText.WriteTable(console, [dataset]));
        return ExitCode.Done;
    }
}
