using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ModelCommands;

/// <summary>The models of a host.</summary>
internal sealed class ModelListCommand : LemaCommand
{
    public ModelListCommand() : base("list", "The models of the host.", "lema-remote model list")
    {
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        ListModelsResponse answer = await host.Models.ListModelsAsync(new ListModelsRequest(), cancellationToken: cancellation);
        call.Output.Result(answer, console =>
        {
            TextTable table = new(
                new("NAME"), new("FAMILY", 3), new("PARAMETERS", 2, Right: true), new("WEIGHTS", 1, Right: true), new("DTYPE", 4), new("LAYERS", 5, Right: true),
                new("PREPARED", 6), new("PROBLEM", 1));
            foreach (Model model in answer.Models)
            {
                table.Add(
                    model.Name, model.Family, Quantity.Count(model.Parameters), Quantity.Bytes(model.WeightBytes), model.Dtype, Quantity.Count(model.Layers),
                    model.Prepared ? "yes" : "no", model.Problem);
            }
            table.Write(console);
        });
        return ExitCode.Done;
    }
}
