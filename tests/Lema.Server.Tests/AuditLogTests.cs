using System.Text.Json;
using Lema.Server.Security;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Testing;
using Microsoft.Extensions.DependencyInjection;
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
