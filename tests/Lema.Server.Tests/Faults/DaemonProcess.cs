using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Lema.Protocol.Client;

namespace Lema.Server.Tests.Faults;

/// <summary>lema-server as a process of its own, with real workers.</summary>
internal sealed class DaemonProcess : IDisposable
{
    /// <summary>The build beside the tests, or the one that <c>LEMA_TEST_SERVER</c> names.</summary>
    public static readonly string Program = Environment.GetEnvironmentVariable("LEMA_TEST_SERVER") ?? Path.Combine(AppContext.BaseDirectory, "lema-server");

    private readonly Process _process;
    private readonly Task<string[]> _output;

    private DaemonProcess(Process process, Uri address, Task<string[]> output)
    {
        _process = process;
        _output = output;
        Address = address;
    }

    public Uri Address { get; }

    public static Task<DaemonProcess> StartAsync(string data, params (string Name, string Value)[] environment) => StartAsync(data, [], environment);

    public static async Task<DaemonProcess> StartAsync(string data, string[] arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(Program, ["--data", data, "--urls", "http://127.0.0.1:0", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        const string listening = "Listening on ";
        List<string> output = [];
        string? line;
        while ((line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(5))) is not null && !line.StartsWith(listening, StringComparison.Ordinal)) output.Add(line);
        output.Add(line!);
        return new DaemonProcess(process, new Uri(line![listening.Length..]), ReadAsync(process.StandardOutput, output));
    }

    private static async Task<string[]> ReadAsync(StreamReader reader, List<string> lines)
    {
        while (await reader.ReadLineAsync() is { } line) lines.Add(line);
        return [.. lines];
    }

    /// <summary>Every line that it has written to its standard output, once it has ended.</summary>
    public Task<string[]> OutputAsync() => _output.WaitAsync(TimeSpan.FromMinutes(1));

    public Grpc.Net.Client.GrpcChannel Open(string data) => DaemonChannel.Create(new DaemonOptions { Address = Address, TokenFile = Path.Combine(data, "admin.token") });

    public void KillNine() => _process.Kill();

    public void Terminate() => Signal("-TERM", _process.Id.ToString(CultureInfo.InvariantCulture));

    /// <summary>Workers do nothing from now on, not even save.</summary>
    public static void SuspendWorkers(string data)
    {
        foreach (int worker in Workers(data)) Signal("-STOP", worker.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Process ids of the workers under way.</summary>
    public static int[] Workers(string data) =>
        [.. Directory.GetFiles(Path.Combine(data, "workers"), "*.pid").Select(note => int.Parse(File.ReadAllText(note).Split(' ')[0], CultureInfo.InvariantCulture))];

    /// <summary>Ends when the daemon takes no new connections any more.</summary>
    public async Task UntilStoppingAsync()
    {
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(1));
        while (true)
        {
            using TcpClient probe = new();
            try
            {
                await probe.ConnectAsync(Address.Host, Address.Port, late.Token);
                await Task.Delay(TimeSpan.FromMilliseconds(50), late.Token);
            }
            catch (SocketException)
            {
                return;
            }
        }
    }

    private static void Signal(string signal, string processId)
    {
        using Process kill = Process.Start("kill", [signal, processId]);
        kill.WaitForExit();
    }

    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
