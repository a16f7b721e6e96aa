using System.CommandLine;
using Lema.Engine.Errors;
using Lema.Server.Hosting;
using Lema.Server.Models;
using Lema.Server.Monitoring;
using Lema.Server.Security;
using Lema.Server.Storage;

namespace Lema.Server.Commands;

/// <summary><c>lema-server check</c>: everything a start would look at, without starting.</summary>
internal static class CheckCommand
{
    private const int InvalidInput = 6;

    public static Command Create()
    {
        DaemonArguments arguments = new();
        Command command = new("check", "Looks at options, data folder, database, certificate and embedded model, and says what is wrong.");
        arguments.AddTo(command);
        command.SetAction((parsed, _) => ServerCommands.GuardAsync(() => Task.FromResult(Check(arguments.Read(parsed)))));
        return command;
    }

    private static int Check(DaemonOptions options)
    {
        List<string> problems = [.. options.Problems().Select(problem => problem.Message)];
        Try(problems, () => ModelDescription.Read(Path.Combine(AppContext.BaseDirectory, "assets", ModelRegistry.EmbeddedName)));
        Try(problems, () =>
        {
            using DataFolder data = DataFolder.Open(options.DataFolder);
            using RunDatabase database = RunDatabase.Open(data.Database, goesOn: StartExtension.FromEnvironment().GoesOn);
            if (options.Tls is { } tls) Try(problems, () => ServerTls.Load(tls, data).Dispose());
        });
        if (options.Tls?.ClientCaFile is { } authorities) Try(problems, () => ServerTls.LoadAuthorities(authorities));
        foreach (string problem in problems) Console.Error.WriteLine($"lema-server: {problem}");
        if (problems.Count == 0) Console.WriteLine("Everything is in order.");
        return problems.Count == 0 ? 0 : InvalidInput;
    }

    private static void Try(List<string> problems, Action check)
    {
        try
        {
            check();
        }
        catch (LemaException error)
        {
            problems.Add(error.Message);
        }
    }
}
