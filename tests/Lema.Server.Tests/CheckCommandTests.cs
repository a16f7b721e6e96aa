using System.Diagnostics;
using Lema.Server.Storage;
using Lema.Server.Tests.Faults;
using Lema.Testing;

namespace Lema.Server.Tests;

/// <summary><c>lema-server check</c>, the program itself.</summary>
public sealed class CheckCommandTests
{
    [Fact]
    public async Task Check_OfAnEmptyFolder_FindsEverythingInOrder()
    {
        using TemporaryFolder folder = new();
        (int exitCode, string output, _) = await CheckAsync("--data", Path.Combine(folder.Path, "data"), "--tls-self-signed", "--urls", "https://0.0.0.0:5090");
        Assert.Equal((0, "Everything is in order.\n"), (exitCode, output));
    }

    [Fact]
    public async Task Check_WithSeveralProblems_NamesThemAll()
    {
        using TemporaryFolder folder = new();
        string notPem = Path.Combine(folder.Path, "ca.pem");
        File.WriteAllText(notPem, "no certificate");
        DataFolder.Open(folder.Path).Dispose();
        byte[] noise = new byte[8_192];
        Random.Shared.NextBytes(noise);
        File.WriteAllBytes(Path.Combine(folder.Path, DataFolder.DatabaseName), noise);
        (int exitCode, _, string error) = await CheckAsync("--data", folder.Path, "--urls", "http://0.0.0.0:5090", "--model-root", "/no/such/folder", "--memory-bytes", "-1", "--tls-client-ca", notPem);
        Assert.Equal(6, exitCode);
        foreach (string part in (string[])["--urls", "TLS", "/no/such/folder", "--memory-bytes", DataFolder.DatabaseName, notPem]) Assert.Contains(part, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_OfAFolderThatADaemonHas_SaysSo()
    {
        using TemporaryFolder folder = new();
        using DataFolder held = DataFolder.Open(folder.Path);
        (int exitCode, _, string error) = await CheckAsync("--data", folder.Path);
        Assert.Equal(6, exitCode);
        Assert.Contains("another daemon", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_OnAPortThatIsTaken_SaysSoInASentence()
    {
        using TemporaryFolder folder = new();
        using System.Net.Sockets.TcpListener other = new(System.Net.IPAddress.Loopback, 0);
        other.Start();
        string address = $"http://{other.LocalEndpoint}";
        (int exitCode, _, string error) = await RunAsync("--data", Path.Combine(folder.Path, "data"), "--urls", address);
        Assert.Equal(6, exitCode);
        Assert.Contains(address, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string Output, string Error)> CheckAsync(params string[] arguments) => RunAsync(["check", .. arguments]);

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(DaemonProcess.Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        return (process.ExitCode, await output, await error);
    }
}
