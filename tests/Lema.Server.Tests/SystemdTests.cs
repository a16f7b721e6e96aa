using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Dapper;
using Lema.Server.Monitoring;
using Lema.Server.Storage;
using Lema.Server.Tests.Faults;
using Lema.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace Lema.Server.Tests;

public sealed class SystemdTests
{
    private const string Analyzer = "/usr/bin/systemd-analyze";

    [Fact(DisplayName = "service: what systemd is told")]
    public async Task Notifications_OverTheLifeOfADaemon_SayReadyWellAndStopping()
    {
        string folder = Directory.CreateTempSubdirectory("lema-notify-").FullName, path = Path.Combine(folder, "s");
        using Socket systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        systemd.Bind(new UnixDomainSocketEndPoint(path));
        List<string> heard = [];
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(2));
        async Task HearAsync(string state)
        {
            byte[] buffer = new byte[256];
            while (!heard.Contains(state)) heard.Add(Encoding.UTF8.GetString(buffer, 0, await systemd.ReceiveAsync(buffer, SocketFlags.None, late.Token)));
        }
        using (DaemonProcess daemon = await DaemonProcess.StartAsync(Path.Combine(folder, "data"), ("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "200000")))
        {
            await HearAsync("READY=1");
            Assert.Equal("EXTEND_TIMEOUT_USEC=60000000", heard[0]);
            await HearAsync("WATCHDOG=1");
            daemon.Terminate();
            await HearAsync("STOPPING=1");
            Assert.Equal(0, await daemon.WaitForExitAsync());
        }
        Directory.Delete(folder, recursive: true);
    }

    [Theory(DisplayName = "service: a start that checks a large database for long asks for time again and again")]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_OfALargeDatabase_ExtendsTheStartAsLongAsItGoesOn(bool isSlow)
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "lema.db");
        RunDatabase.Open(file).Dispose();
        using (SqliteConnection connection = new($"Data Source={file};Pooling=False"))
        {
            connection.Open();
            connection.Execute("CREATE TABLE filler (body BLOB); WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 40000) INSERT INTO filler SELECT zeroblob(3000) FROM n");
        }
        FakeTimeProvider clock = new();
        List<DateTimeOffset> told = [];
        StartExtension start = new(_ => told.Add(clock.GetUtcNow()), clock);
        DateTimeOffset before = clock.GetUtcNow();
        using RunDatabase database = RunDatabase.Open(file, goesOn: () =>
        {
            start.GoesOn();
            if (isSlow) clock.Advance(TimeSpan.FromSeconds(3));
        });
        if (!isSlow)
        {
            Assert.Single(told);
            return;
        }
        Assert.True(clock.GetUtcNow() - before > 2 * StartExtension.Extension, "The database is too small for this test.");
        // Never so long that systemd would have given up.
        Assert.All(told.Append(clock.GetUtcNow()).Zip(told.Prepend(before)), pair => Assert.InRange(pair.First - pair.Second, TimeSpan.Zero, StartExtension.Extension / 2));
    }

    [Fact(DisplayName = "service: the unit")]
    public async Task Unit_WithTheProgramWhereItSays_HasNothingThatSystemdObjectsTo()
    {
        if (!File.Exists(Analyzer)) Assert.Skip("no systemd-analyze");
        using TemporaryFolder folder = new();
        string published = Path.Combine(Repository.Folder, "deploy", "lema-server.service");
        // The program is not installed here: something that can be executed stands in for it.
        string unit = (await File.ReadAllTextAsync(published)).Replace("/opt/lema/lema-server", "/bin/true", StringComparison.Ordinal);
        Assert.Equal("", await VerifyAsync(folder, unit));
        Assert.Contains("ProtectSystm", await VerifyAsync(folder, unit.Replace("ProtectSystem=", "ProtectSystm=", StringComparison.Ordinal)), StringComparison.Ordinal);
        foreach (string line in (string[])["Type=notify", "NotifyAccess=exec", "NoNewPrivileges=yes", "ProtectSystem=strict", "User=lema", "KillMode=mixed", "UMask=0077"]) Assert.Contains(line, unit.Split('\n'));
        Assert.Contains("WatchdogSec=", unit, StringComparison.Ordinal);
    }

    /// <summary>What systemd says of the unit itself; what it says of other units of this machine is left out.</summary>
    private static async Task<string> VerifyAsync(TemporaryFolder folder, string unit)
    {
        string file = Path.Combine(folder.Path, "lema-server.service");
        await File.WriteAllTextAsync(file, unit);
        using Process process = Process.Start(new ProcessStartInfo(Analyzer, ["verify", "--man=no", file]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string said = await process.StandardError.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(1));
        await process.WaitForExitAsync();
        return string.Join('\n', said.Split('\n').Where(line => line.Contains("lema-server.service", StringComparison.Ordinal)));
    }
}
