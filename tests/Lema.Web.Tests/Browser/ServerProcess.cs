using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Lema.Web.Tests.Browser;

/// <summary>A real daemon as a process of its own, with a data folder of its own. It can be killed and started again over the same data.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _data = Directory.CreateTempSubdirectory("lema-web-test").FullName;
    private readonly int _port = FreePort();
    private Process? _process;

    public string Address => $"http://127.0.0.1:{_port}";

    public string Token => File.ReadAllText(Path.Combine(_data, "admin.token")).Trim();

    public static async Task<ServerProcess> StartNewAsync()
    {
        ServerProcess server = new();
        await server.StartAsync();
        return server;
    }

    public async Task StartAsync()
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true };
        foreach (string argument in new[] { BuiltProgram(), "--data", _data, "--urls", Address, "--http-urls", $"http://127.0.0.1:{FreePort()}" }) start.ArgumentList.Add(argument);
        TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null) listening.TrySetException(new InvalidOperationException("lema-server ended before it listened."));
            else if (line.Data.Contains(Address, StringComparison.Ordinal)) listening.TrySetResult();
        };
        _process.BeginOutputReadLine();
        await listening.Task.WaitAsync(Patience);
    }

    /// <summary>SIGKILL, as the OOM killer does; its workers see their parent go.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
        try
        {
            Directory.Delete(_data, recursive: true);
        }
        catch (IOException)
        {
            // A worker that is still on its way out holds a file; the folder is in the system's temporary place.
        }
    }

    /// <summary>lema-server.dll of the configuration that these tests were built in.</summary>
    private static string BuiltProgram()
    {
        DirectoryInfo framework = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        DirectoryInfo? root = framework;
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Lema.sln"))) root = root.Parent;
        return Path.Combine(root?.FullName ?? "", "src", "Lema.Server", "bin", framework.Parent!.Name, framework.Name, "lema-server.dll");
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
