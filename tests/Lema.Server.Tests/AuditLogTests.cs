using System.Text.Json;
using Lema.Server.Security;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lema.Server.Tests;

/// <summary>The audit log's files, put aside one after another.</summary>
public sealed class AuditLogTests
{
    private const int MostBytes = 1_000, Kept = 3;

    [Fact(DisplayName = "audit: bounded")]
    public void Write_MoreThanIsKept_KeepsTheNewestInPrivateFilesOfBoundedSize()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "audit.jsonl");
        using (AuditLog log = Open(file)) Write(log, 0, 200);
        string[] files = Directory.GetFiles(folder.Path);
        Assert.Equal(Kept + 1, files.Length);
        Assert.All(files, one => Assert.InRange(new FileInfo(one).Length, 1, MostBytes));
        Assert.All(files, one => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(one)));
        int[] targets = Targets(file);
        Assert.Equal(Enumerable.Range(targets[0], 200 - targets[0]), targets);
        Assert.True(targets.Length > Kept * (MostBytes / 200), $"{targets.Length} lines");
    }

    [Fact(DisplayName = "audit: a kill between two steps of putting a file aside loses no line")]
    public void Open_AfterAKillWhileAFileWasPutAside_GoesOnWithTheNextNumber()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "audit.jsonl");
        using (AuditLog log = Open(file)) Write(log, 0, 10);
        int aside = AuditFiles.Aside(file).Count();
        // The file has its number, and the next one has not been begun.
        new AuditFiles(file, MostBytes, Kept).PutAside();
        Assert.False(File.Exists(file));
        Assert.Equal(aside + 1, AuditFiles.Aside(file).Count());

        using (AuditLog log = Open(file)) Write(log, 10, 12);
        Assert.Equal(Enumerable.Range(0, 12), Targets(file));
    }

    [Fact(DisplayName = "audit: a file that cannot be put aside grows on")]
    public void Write_WhereAFileCannotBePutAside_LosesNoLine()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "audit.jsonl"), inTheWay = file + ".1";
        Directory.CreateDirectory(inTheWay);
        using (AuditLog log = Open(file))
        {
            Write(log, 0, 20);
            Assert.Equal(Enumerable.Range(0, 20), Targets(file));
            Assert.True(new FileInfo(file).Length > MostBytes);
            Directory.Delete(inTheWay);
            Write(log, 20, 22);
        }
        Assert.Equal(Enumerable.Range(0, 22), Targets(file));
        Assert.True(File.Exists(inTheWay));
    }

    [Fact(DisplayName = "audit: a folder that is away for a while loses no line")]
    public void Write_WhileTheFolderIsAway_IsWrittenWhenItIsThere()
    {
        using TemporaryFolder folder = new();
        string place = folder.File("data"), away = folder.File("away"), file = Path.Combine(place, "audit.jsonl");
        Directory.CreateDirectory(place);
        using (AuditLog log = Open(file))
        {
            Write(log, 0, 5);
            Directory.Move(place, away);
            // Put aside, it has no place to be begun again in.
            Write(log, 5, 20);
            Directory.Move(away, place);
            Write(log, 20, 21);
        }
        Assert.Equal(Enumerable.Range(0, 21), Targets(file));
    }

    [Fact(DisplayName = "audit: what waits for the disk is bounded, and the oldest is kept")]
    public void Write_MoreThanMayWait_KeepsTheFirstAndTellsOfTheOthers()
    {
        const int most = 10_000, more = 5;
        using TemporaryFolder folder = new();
        string place = folder.File("data"), file = Path.Combine(place, "audit.jsonl");
        Directory.CreateDirectory(place);
        CountingLogger logger = new();
        using (AuditLog log = new(new AuditFiles(file, mostBytes: 1, Kept), TimeProvider.System, logger))
        {
            Write(log, 0, 1);
            Directory.Delete(place, recursive: true);
            Write(log, 1, 1 + most + more);
        }
        // The folder is not there at the end either: nothing is written, and nothing is thrown.
        Assert.Equal(more, logger.Lost);
        Assert.False(Directory.Exists(place));
    }

    [Fact]
    public void Aside_OfOtherFilesBesideTheLog_LeavesThemOut()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("audit.jsonl");
        foreach (string name in (string[])["audit.jsonl", "audit.jsonl.2", "audit.jsonl.10", "audit.jsonl.bak", "audit.jsonl.-1", "audit.jsonl.0"]) File.WriteAllText(folder.File(name), "");
        Assert.Equal([2L, 10L], AuditFiles.Aside(file).Select(one => one.Number));
    }

    /// <summary>Counts the lines that were lost to the log.</summary>
    private sealed class CountingLogger : ILogger<AuditLog>
    {
        public int Lost { get; private set; }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).StartsWith("Lost to the audit log", StringComparison.Ordinal)) Lost++;
        }
    }

    [Fact]
    public async Task Backup_OfADaemonWithFilesPutAside_HoldsThemAll()
    {
        using TemporaryFolder folder = new();
        string backup = Path.Combine(folder.Path, "backup"), restored = Path.Combine(folder.Path, "restored");
        await using TestDaemon daemon = await TestDaemon.StartAsync(configure: services => services.AddSingleton(
            provider => new AuditFiles(provider.GetRequiredService<DataFolder>().AuditLog, MostBytes, Kept)));
        for (int i = 0; i < 20; i++) await daemon.AddDatasetAsync($"rows{i}");
        string[] names = [.. Directory.GetFiles(daemon.Folder, "audit.jsonl*").Select(path => Path.GetFileName(path)!).Order()];
        Assert.True(names.Length > 2, string.Join(", ", names));

        DataBackup.Create(daemon.Folder, backup);
        DataBackup.Restore(backup, restored);

        foreach (string name in names) Assert.Equal(ReadShared(Path.Combine(daemon.Folder, name)), File.ReadAllText(Path.Combine(restored, name)));
        foreach (string name in names) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(restored, name)));
    }

    private static AuditLog Open(string file) => new(new AuditFiles(file, MostBytes, Kept), TimeProvider.System, NullLogger<AuditLog>.Instance);

    private static void Write(AuditLog log, int from, int to)
    {
        for (int i = from; i < to; i++) log.Write("who", "peer", "/call", $"{i}", "OK");
    }

    private static int[] Targets(string file) =>
    [
        .. AuditFiles.Aside(file).Select(one => one.Path).Append(file).SelectMany(path => ReadShared(path).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .Select(line => int.Parse(JsonDocument.Parse(line).RootElement.GetProperty("target").GetString()!, System.Globalization.CultureInfo.InvariantCulture)),
    ];

    private static string ReadShared(string file)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return new StreamReader(stream).ReadToEnd();
    }
}
