using System.CommandLine;
using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ModelCommands;

/// <summary>Writes a model in layer order.</summary>
internal sealed class ModelPrepareCommand : LemaCommand
{
    private readonly Argument<string> _name = new("MODEL") { Description = "Name of a model." };
    private readonly Option<string> _dtype = new("--dtype") { Description = "base: as stored. fp16: for a card without bf16; a value that overflows is refused.", DefaultValueFactory = _ => "base" };
    private readonly Option<bool> _force = new("--force") { Description = "Prepare again where a prepared file is there." };

    public ModelPrepareCommand() : base(
        "prepare", "Write the model's tensors in layer order to one file, so that a layer is one sequential read. Ctrl-C cancels.",
        "lema-remote model prepare llama2-7b")
    {
        _dtype.AcceptOnlyFromAmong("base", "fp16");
        Add(_name);
        Add(_dtype);
        Add(_force);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        PrepareModelRequest request = new() { Name = call.Get(_name), Dtype = call.Get(_dtype), Force = call.Get(_force) };
        using AsyncServerStreamingCall<PrepareModelResponse> answer = host.Models.PrepareModel(request, cancellationToken: cancellation);
        JobProgress progress = new(call.Output, call.Environment.Clock);
        await foreach (PrepareModelResponse message in answer.ResponseStream.ReadAllAsync(cancellation))
        {
            if (call.Output.Json) call.Output.WriteJson(message);
            else if (message.KindCase == PrepareModelResponse.KindOneofCase.Progress) progress.Show(message.Progress);
            else ModelText.Write(progress.End(), message.Completed);
        }
        return ExitCode.Done;
    }
}
