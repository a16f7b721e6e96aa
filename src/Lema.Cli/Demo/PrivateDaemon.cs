using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;
using Lema.Cli.Terminals;
using Lema.Protocol.V1;

namespace Lema.Cli.Demo;

/// <summary>A daemon process with a data folder of its own that both go away with this object.</summary>
internal sealed class PrivateDaemon : IAsyncDisposable
{
    private const string TokenFileName = "admin.token";
    private const int KeptOutputLines = 40;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lema-demo-");
    private readonly Queue<string> _output = new();
    private readonly int _port = FreePort();
    private Process? _process;

    private PrivateDaemon()
    {
    }

    public HostEntry Host => new()
    {
        Name = "demo",
        Address = $"http://127.0.0.1:{_port}",
        TokenFile = Path.Combine(_folder.FullName, TokenFileName),
    };

    /// <exception cref="CliException">The server does not start.</exception>
    public static async Task<PrivateDaemon> StartAsync(ServerProgram server, CliEnvironment environment, CancellationToken cancellation)
    {
        PrivateDaemon daemon = new();
        try
        {
            daemon.StartProcess(server);
            await daemon.WaitUntilReadyAsync(environment, cancellation);
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            await StopAsync(process);
            process.Dispose();
        }
        _folder.Delete(recursive: true);
    }

    private void StartProcess(ServerProgram server)
    {
        ProcessStartInfo start = new(server.FileName)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = _folder.FullName,
        };
        string[] arguments = [.. server.Prefix, "--data", _folder.FullName, "--urls", $"http://127.0.0.1:{_port}", "--http-urls", $"http://127.0.0.1:{FreePort()}"];
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception failure)
        {
            throw new CliException(ExitCode.Unreachable, $"{server.FileName} cannot be started: {failure.Message}");
        }
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task WaitUntilReadyAsync(CliEnvironment environment, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(StartTimeout);
        try
        {
            while (!await AnswersAsync(environment, limit.Token))
            {
                if (_process!.HasExited) throw new CliException(ExitCode.Unreachable, $"lema-server ended with exit code {_process.ExitCode} before it answered.", [.. Output()]);
                await Task.Delay(ProbeInterval, limit.Token);
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or RpcException && !cancellation.IsCancellationRequested)
        {
            throw new CliException(ExitCode.Unreachable, $"lema-server did not answer within {StartTimeout.TotalSeconds:0} s.", [.. Output()]);
        }
    }

    private async Task<bool> AnswersAsync(CliEnvironment environment, CancellationToken cancellation)
    {
        if (!File.Exists(Host.TokenFile)) return false;
        try
        {
            await using HostConnection connection = await HostConnection.OpenAsync(Host, environment, cancellation);
            await connection.Host.GetHostInfoAsync(new GetHostInfoRequest(), cancellationToken: cancellation);
            return true;
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
        {
            return false;
        }
    }

    private static async Task StopAsync(Process process)
    {
        ProcessSignal.Terminate(process);
        using CancellationTokenSource limit = new(StopTimeout);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_output)
        {
            _output.Enqueue(line);
            if (_output.Count > KeptOutputLines) _output.Dequeue();
        }
    }

    private string[] Output()
    {
        lock (_output) return [.. _output];
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
