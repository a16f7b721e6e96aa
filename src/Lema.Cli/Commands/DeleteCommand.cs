using System.CommandLine;
using Google.Protobuf;
using Lema.Cli.Connections;
using Lema.Cli.Errors;

namespace Lema.Cli.Commands;

/// <summary>Removes something from a host, once the user has agreed.</summary>
internal abstract class DeleteCommand : LemaCommand
{
    private readonly Argument<string> _name;

    protected DeleteCommand(Argument<string> name, string description, string example) : base("delete", description, example)
    {
        _name = name;
        Add(name);
    }

    /// <summary>What the user agrees to.</summary>
    protected abstract string Question(string name);

    protected abstract Task<IMessage> DeleteAsync(HostConnection host, string name, CancellationToken cancellation);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        string name = call.Get(_name);
        call.Confirm(Question(name));
        await using HostConnection host = await call.ConnectAsync(cancellation);
        IMessage answer = await DeleteAsync(host, name, cancellation);
        call.Output.Result(answer, _ => call.Output.Note($"Deleted {name}."));
        return ExitCode.Done;
    }
}
