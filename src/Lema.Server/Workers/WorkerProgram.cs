using Lema.Server.Monitoring;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lema.Server.Workers;

/// <summary>The program in worker mode: serves one daemon over a Unix domain socket and ends when its standard input closes, which it does when the daemon is gone.</summary>
internal static class WorkerProgram
{
    /// <summary>Written to standard output once the socket is there.</summary>
    public const string ReadyLine = "ready";

    /// <param name="controlGroup">Folder of the control group that limits the worker's memory; null: none does.</param>
    public static async Task<int> RunAsync(string socket, string? controlGroup, IJobRunner runner)
    {
        // Before any memory is taken: what a process has by then counts elsewhere.
        if (controlGroup is not null && !ControlGroup.TryJoin(controlGroup)) Console.Error.WriteLine($"The system does not keep the memory limit: {controlGroup} cannot be joined.");
        OutOfMemoryScore.Raise();
        using JobHost host = new(runner);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(host);
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = WorkerChannel.LargestMessage;
            grpc.MaxSendMessageSize = WorkerChannel.LargestMessage;
            grpc.EnableDetailedErrors = true;
        });
        await using WebApplication app = builder.Build();
        app.MapGrpcService<WorkerService>();
        await app.StartAsync();
        Console.WriteLine(ReadyLine);
        await WaitForEndOfInputAsync();
        // The daemon asks for saved work before it closes the pipe; what still runs now is not wanted.
        Environment.Exit(0);
        return 0;
    }

    private static async Task WaitForEndOfInputAsync()
    {
        await using Stream input = Console.OpenStandardInput();
        byte[] buffer = new byte[64];
        while (await input.ReadAsync(buffer) > 0) { }
    }
}
