using System.CommandLine;
using Lema.Engine.Errors;
using Lema.Server.Hosting;
using Lema.Server.Models;
using Lema.Server.Monitoring;
using Lema.Server.Security;
using Lema.Server.Storage;

namespace Lema.Server.Commands;

/// <summary><c>lema-server check</c>: everything a start would look at, without starting or changing anything.</summary>
internal static class CheckCommand
{
    private const int InvalidInput = 6;

    public static Command Create()
    {
        DaemonArguments arguments = new();
        Command command = new("check", "Looks at options, data folder, database, certificate and embedded model, and says what is wrong and what a start would make. Changes nothing.");
        arguments.AddTo(command);
        command.SetAction((parsed, _) => ServerCommands.GuardAsync(() => Task.FromResult(Check(arguments.Read(parsed)))));
        return command;
    }

    private static int Check(DaemonOptions options)
    {
        List<string> problems = [.. options.Problems().Select(problem => problem.Message)];
        Try(problems, () => ModelDescription.Read(Path.Combine(AppContext.BaseDirectory, "assets", ModelRegistry.EmbeddedName)));
        List<string> changes = [];
        Try(problems, () =>
        {
            using DataFolder data = DataFolder.Look(options.DataFolder);
            if (!Directory.Exists(data.Root)) changes.Add($"make the data folder {data.Root}");
            Try(problems, () => changes.AddRange(LookAtDatabase(data)));
            if (options.Tls is not { } tls) return;
            if (ServerTls.IsStillToMake(tls, data)) changes.Add($"make a self-signed certificate in {data.Tls}");
            else Try(problems, () => ServerTls.Load(tls, data).Dispose());
        });
        if (options.Tls?.ClientCaFile is { } authorities) Try(problems, () => ServerTls.LoadAuthorities(authorities));
        foreach (string problem in problems) Console.Error.WriteLine($"lema-server: {problem}");
        foreach (string change in changes) Console.WriteLine($"A start would {change}.");
        if (problems.Count == 0) Console.WriteLine("Everything is in order.");
        return problems.Count == 0 ? 0 : InvalidInput;
    }

    private static IEnumerable<string> LookAtDatabase(DataFolder data)
    {
        if (!File.Exists(data.Database)) return [$"make the database {data.Database}", $"make an admin's token, {data.AdminToken}"];
        int version = RunDatabase.Look(data.Database, StartExtension.FromEnvironment().GoesOn);
        return version < Migrations.Newest ? [$"bring the database {data.Database} from version {version} to {Migrations.Newest}"] : [];
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
