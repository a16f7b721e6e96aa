using System.ComponentModel;
using System.Diagnostics;
using Lema.Cli.Errors;
using Lema.Cli.Hosts;

namespace Lema.Cli.Demo;

/// <summary>A daemon process with a data folder of its own that both go away with this object.</summary>
internal sealed class PrivateDaemon : IAsyncDisposable
{
    private const string TokenFileName = "admin.token";
    private const string ListeningLine = "Listening on ";
    private const int KeptOutputLines = 40;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lema-demo-");
    private readonly Queue<string> _output = new();
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process? _process;

    private PrivateDaemon()
    {
    }

    /// <summary>The daemon, once it listens.</summary>
    public HostEntry Host { get; private set; } = null!;

    /// <exception cref="CliException">The server does not start.</exception>
    public static async Task<PrivateDaemon> StartAsync(ServerProgram server, CancellationToken cancellation)
    {
        PrivateDaemon daemon = new();
        try
        {
            daemon.StartProcess(server);
            await daemon.WaitUntilReadyAsync(cancellation);
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
        string[] arguments = [.. server.Prefix, "--data", _folder.FullName, "--urls", "http://127.0.0.1:0"];
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception failure)
        {
            throw new CliException(ExitCode.Unreachable, $"{server.FileName} cannot be started: {failure.Message}");
        }
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => _address.TrySetException(new CliException(ExitCode.Unreachable, "lema-server ended before it listened.", [.. Output()]));
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        try
        {
            string address = await _address.Task.WaitAsync(StartTimeout, cancellation);
            Host = new HostEntry { Name = "demo", Address = address, TokenFile = Path.Combine(_folder.FullName, TokenFileName) };
        }
        catch (TimeoutException)
        {
            throw new CliException(ExitCode.Unreachable, $"lema-server did not listen within {StartTimeout.TotalSeconds:0} s.", [.. Output()]);
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
        if (line.StartsWith(ListeningLine, StringComparison.Ordinal)) _address.TrySetResult(line[ListeningLine.Length..].Trim());
        lock (_output)
        {
            _output.Enqueue(line);
            if (_output.Count > KeptOutputLines) _output.Dequeue();
        }
    }

    /// <summary>The last lines that the daemon wrote.</summary>
    public IReadOnlyList<string> Output()
    {
        lock (_output) return [.. _output];
    }
}
