using System.Diagnostics;
using Lema.Protocol.Client;

namespace Lema.Server.Tests.Faults;

/// <summary>lema-server as a process of its own, with real workers.</summary>
internal sealed class DaemonProcess : IDisposable
{
    /// <summary>The build beside the tests, or the one that <c>LEMA_TEST_SERVER</c> names.</summary>
    private static readonly string Program = Environment.GetEnvironmentVariable("LEMA_TEST_SERVER") ?? Path.Combine(AppContext.BaseDirectory, "lema-server");

    private readonly Process _process;

    private DaemonProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
    }

    public Uri Address { get; }

    public static async Task<DaemonProcess> StartAsync(string data)
    {
        ProcessStartInfo start = new(Program, ["--data", data, "--urls", "http://127.0.0.1:0"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        const string listening = "Listening on ";
        string? line;
        while ((line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60))) is not null && !line.StartsWith(listening, StringComparison.Ordinal)) { }
        Uri address = new(line![listening.Length..]);
        _ = process.StandardOutput.ReadToEndAsync();
        return new DaemonProcess(process, address);
    }

    public Grpc.Net.Client.GrpcChannel Open(string data) => DaemonChannel.Create(new DaemonOptions { Address = Address, TokenFile = Path.Combine(data, "admin.token") });

    public void KillNine() => _process.Kill();

    public void Terminate()
    {
        using Process kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(90));
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
