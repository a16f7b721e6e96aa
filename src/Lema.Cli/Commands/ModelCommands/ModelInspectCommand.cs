using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.ModelCommands;

/// <summary>Everything known about one model.</summary>
internal sealed class ModelInspectCommand : LemaCommand
{
    private readonly Argument<string> _name = new("MODEL") { Description = "Name of a model." };
    private readonly Option<bool> _tensors = new("--tensors") { Description = "Every tensor with its place in the files." };

    public ModelInspectCommand() : base("inspect", "Family, layers and layout on disk of one model.", "lema-remote model inspect lema-tiny --tensors")
    {
        Add(_name);
        Add(_tensors);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        ModelDetail detail = await host.Models.InspectModelAsync(new InspectModelRequest { Name = call.Get(_name) }, cancellationToken: cancellation);
        call.Output.Result(detail, console => Write(console, detail, call.Get(_tensors)));
        return ExitCode.Done;
    }

    private static void Write(IAnsiConsole console, ModelDetail detail, bool tensors)
    {
        PropertyList list = ModelText.Properties(detail.Model);
        list.Add("lora targets", string.Join(", ", detail.LinearModules));
        list.Add("chat template", detail.HasChatTemplate ? "yes" : "no");
        if (detail.Folder.Length > 0) list.Add("folder", detail.Folder);
        list.Write(console);
        console.WriteLine();
        if (tensors) WriteTensors(console, detail);
        else WriteUnits(console, detail);
    }

    private static void WriteUnits(IAnsiConsole console, ModelDetail detail)
    {
        TextTable table = new(new("UNIT"), new("BYTES", Right: true), new("TENSORS", 1, Right: true));
        foreach (ModelUnit unit in detail.Units) table.Add(unit.Name, Quantity.Count(unit.Bytes), Quantity.Count(unit.Tensors.Count));
        table.Write(console);
    }

    private static void WriteTensors(IAnsiConsole console, ModelDetail detail)
    {
        TextTable table = new(new("TENSOR"), new("DTYPE", 2), new("SHAPE", 1), new("BYTES", 3, Right: true), new("FILE", 4), new("OFFSET", 5, Right: true));
        foreach (ModelTensor tensor in detail.Units.SelectMany(u => u.Tensors))
        {
            table.Add(tensor.Name, tensor.Dtype, $"[{string.Join(", ", tensor.Shape)}]", Quantity.Count(tensor.Bytes), tensor.File, Quantity.Count(tensor.Offset));
        }
        table.Write(console);
    }
}
