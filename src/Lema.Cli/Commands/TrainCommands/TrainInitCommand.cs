using System.CommandLine;
using Lema.Cli.Errors;
using Lema.Cli.Files;
using Lema.Cli.RunFiles;

namespace Lema.Cli.Commands.TrainCommands;

/// <summary>Writes a run file to start from.</summary>
internal sealed class TrainInitCommand : LemaCommand
{
    private readonly Argument<string> _file = new("FILE") { Description = "Where to write it.", DefaultValueFactory = _ => "run.yaml" };
    private readonly Option<string> _model = new("--model", "-m") { Description = "Name of a model of the host.", HelpName = "MODEL", DefaultValueFactory = _ => "lema-tiny" };
    private readonly Option<string> _dataset = new("--dataset", "-d") { Description = "Name of a dataset of the host.", HelpName = "DATASET", DefaultValueFactory = _ => "replies" };
    private readonly Option<bool> _force = new("--force") { Description = "Replace a file that is there." };

    public TrainInitCommand() : base(
        "init", "Write a commented run file, and beside it the JSON schema that editors complete and check it with.",
        "lema-remote train init run.yaml --model lema-tiny --dataset replies")
    {
        Add(_file);
        Add(_model);
        Add(_dataset);
        Add(_force);
    }

    protected override Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string file = call.Environment.FullPath(call.Get(_file));
        if (File.Exists(file) && !call.Get(_force)) throw new CliException(ExitCode.Failed, $"{file} is there already.", "Say --force to replace it, or name another file.");
        string folder = Path.GetDirectoryName(file)!;
        string schema = Path.Combine(folder, RunFileSchema.FileName);
        WholeFile.Write(schema, RunFileSchema.Write());
        WholeFile.Write(file, RunFileTemplate.Write(call.Required(_model), call.Required(_dataset), RunFileSchema.FileName));
        call.Output.Wrote($"Wrote {file} and {schema}. Check it: lema-remote train --config {call.Get(_file)} --dry-run", file, schema);
        return Task.FromResult(ExitCode.Done);
    }
}
