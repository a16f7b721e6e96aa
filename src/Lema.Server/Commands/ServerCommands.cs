using System.CommandLine;
using Lema.Engine.Errors;
using Lema.Server.EngineJobs;
using Lema.Server.Workers;

namespace Lema.Server.Commands;

/// <summary>The command line of <c>lema-server</c>: without a command it is the daemon.</summary>
internal static class ServerCommands
{
    private const int InvalidInput = 6;

    public static RootCommand Create()
    {
        DaemonArguments arguments = new();
        RootCommand root = new("The daemon of Lema: fine-tunes language models whose weights are streamed layer by layer, for clients that call it over gRPC.");
        arguments.AddTo(root);
        root.SetAction((parsed, stop) => GuardAsync(() => DaemonCommand.RunAsync(arguments.Read(parsed), stop)));
        root.Subcommands.Add(CheckCommand.Create());
        root.Subcommands.Add(TokenCommands.Create());
        foreach (Command command in BackupCommands.Create()) root.Subcommands.Add(command);
        root.Subcommands.Add(WorkerCommand());
        return root;
    }

    private static Command WorkerCommand()
    {
        Option<string> socket = new("--socket") { Required = true };
        Option<string?> controlGroup = new("--control-group");
        Command worker = new("worker", "Serves one job for the daemon that started it.") { socket, controlGroup };
        worker.Hidden = true;
        worker.SetAction((parsed, _) => WorkerProgram.RunAsync(parsed.GetRequiredValue(socket), parsed.GetValue(controlGroup), new EngineJobRunner()));
        return worker;
    }

    /// <summary>What a user can mend is said in a sentence, not in a stack trace.</summary>
    public static async Task<int> GuardAsync(Func<Task<int>> action)
    {
        try
        {
            return await action();
        }
        catch (LemaException error)
        {
            await Console.Error.WriteLineAsync($"lema-server: {error.Message}");
            return InvalidInput;
        }
    }
}
