using Lema.Cli.Errors;
using Lema.Cli.RunFiles;

namespace Lema.Cli.Commands.TrainCommands;

/// <summary>The JSON schema of run files.</summary>
internal sealed class TrainSchemaCommand : LemaCommand
{
    public TrainSchemaCommand() : base("schema", "The JSON schema of run files.", "lema-remote train schema > lema-run.schema.json")
    {
    }

    protected override Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        call.Environment.Out.Write(RunFileSchema.Write(indented: !call.Output.Json));
        return Task.FromResult(ExitCode.Done);
    }
}
