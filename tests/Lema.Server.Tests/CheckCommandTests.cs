using System.Diagnostics;
using Lema.Server.Storage;
using Lema.Server.Tests.Faults;
using Lema.Testing;

namespace Lema.Server.Tests;

/// <summary><c>lema-server check</c>, the program itself.</summary>
public sealed class CheckCommandTests
{
    [Fact(DisplayName = "check: of a folder that is not there yet")]
    public async Task Check_BeforeTheFirstStart_SaysWhatWouldBeMadeAndMakesNothing()
    {
        using TemporaryFolder folder = new();
        string data = Path.Combine(folder.Path, "inner", "data");
        (int exitCode, string output, _) = await CheckAsync("--data", data, "--tls-self-signed", "--urls", "https://0.0.0.0:5090");
        Assert.Equal(0, exitCode);
        Assert.Equal([$"A start would make the data folder {data}.", $"A start would make the database {data}/lema.db.", $"A start would make an admin's token, {data}/admin.token.",
            $"A start would make a self-signed certificate in {data}/tls.", "Everything is in order."], output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Theory(DisplayName = "check: changes nothing")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Check_OfAFolderThatADaemonLeft_ChangesNothing(bool killed)
    {
        using TemporaryFolder folder = new();
        string data = Path.Combine(folder.Path, "data");
        using (DaemonProcess daemon = await DaemonProcess.StartAsync(data))
        {
            using var channel = daemon.Open(data);
            await new Protocol.V1.Datasets.DatasetsClient(channel).BuildDatasetAsync(new Protocol.V1.BuildDatasetRequest { Name = "rows", Rows = 20, HeldoutRows = 10 });
            if (killed) daemon.KillNine();
            else daemon.Terminate();
            await daemon.WaitForExitAsync();
        }
        Assert.Equal(killed, File.Exists(Path.Combine(data, "lema.db-wal")));
        string[] before = Contents(data);

        (int exitCode, string output, string error) = await CheckAsync("--data", data);

        Assert.Equal((0, "Everything is in order.\n", ""), (exitCode, output, error));
        Assert.Equal(before, Contents(data));
    }

    [Fact(DisplayName = "check: of a database of an earlier version")]
    public async Task Check_OfAnEarlierDatabase_SaysThatItWouldBeBroughtUpAndLeavesIt()
    {
        using TemporaryFolder folder = new();
        string database = Path.Combine(folder.Path, DataFolder.DatabaseName);
        DatabaseVersionTests.MakeFirstVersion(database);
        string[] before = Contents(folder.Path);
        (int exitCode, string output, _) = await CheckAsync("--data", folder.Path);
        Assert.Equal((0, $"A start would bring the database {database} from version 1 to {Migrations.Newest}.\nEverything is in order.\n"), (exitCode, output));
        Assert.Equal(before, Contents(folder.Path));
    }

    [Fact(DisplayName = "check: of a place where no folder can be made")]
    public async Task Check_BelowAFile_SaysSo()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "file");
        File.WriteAllText(file, "");
        (int exitCode, _, string error) = await CheckAsync("--data", Path.Combine(file, "data"));
        Assert.Equal(6, exitCode);
        Assert.Contains($"'{file}' is no folder", error, StringComparison.Ordinal);
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

    /// <summary>
    /// Every file and folder with its bytes, mode and time; but for the bytes of the index that SQLite keeps of what a killed daemon had not yet moved into the database: each
    /// reader makes it anew.
    /// </summary>
    private static string[] Contents(string folder) =>
    [
        .. Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => $"{path} {File.GetUnixFileMode(path)} "
            + (Directory.Exists(path) || path.EndsWith("-shm", StringComparison.Ordinal) ? "" : $"{File.GetLastWriteTimeUtc(path).Ticks} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}")),
    ];

    private static Task<(int ExitCode, string Output, string Error)> CheckAsync(params string[] arguments) => RunAsync(["check", .. arguments]);

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(DaemonProcess.Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        return (process.ExitCode, await output, await error);
    }
}
