using System.Diagnostics;
using Dapper;
using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Server.Tests.Faults;
using Lema.Testing;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Tests;

/// <summary>Databases of other versions of the daemon.</summary>
public sealed class DatabaseVersionTests
{
    [Theory(DisplayName = "database: one of a later version is refused and left as it is")]
    [InlineData("wal")]
    [InlineData("delete")]
    public void Open_OfALaterVersion_SaysSoAndLeavesEveryByte(string journal)
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, DataFolder.DatabaseName);
        MakeLaterVersion(file, journal);
        byte[] before = File.ReadAllBytes(file);

        foreach (Action open in (Action[])[() => RunDatabase.Open(file).Dispose(), () => RunDatabase.OpenExisting(file).Dispose(), () => RunDatabase.Look(file)])
        {
            InvalidInputException refused = Assert.Throws<InvalidInputException>(open);
            Assert.Contains("later version", refused.Message, StringComparison.Ordinal);
            Assert.Contains("99", refused.Message, StringComparison.Ordinal);
            Assert.Contains(file, refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, File.ReadAllBytes(file));
        Assert.Equal([file], Directory.GetFiles(folder.Path));
    }

    [Fact(DisplayName = "database: a daemon does not start on one of a later version")]
    public async Task Start_OnALaterVersion_SaysSoInASentenceAndRemovesNothing()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, DataFolder.DatabaseName), run = Path.Combine(folder.Path, "runs", "later");
        MakeLaterVersion(file, "wal");
        Directory.CreateDirectory(run);
        byte[] before = File.ReadAllBytes(file);
        using Process process = Process.Start(new ProcessStartInfo(DaemonProcess.Program, ["--data", folder.Path, "--urls", "http://127.0.0.1:0"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(6, process.ExitCode);
        Assert.Contains("later version", await error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", await error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(file));
        Assert.True(Directory.Exists(run));
        Assert.False(File.Exists(Path.Combine(folder.Path, "admin.token")));
    }

    [Fact(DisplayName = "database: one of the first version is brought up, and its runs are there")]
    public async Task Start_OnTheFirstVersion_HasItsRunsWithTheirSteps()
    {
        using TemporaryFolder folder = new();
        string run;
        StepPoint[] before;
        await using (TestDaemon daemon = await TestDaemon.StartAsync(folder.Path))
        {
            await daemon.AddDatasetAsync();
            run = (await daemon.StartRunAsync(6)).Summary.Id;
            await daemon.WaitForAsync(run, RunState.Completed);
            before = await StepsAsync(daemon, run);
        }
        string file = Path.Combine(folder.Path, DataFolder.DatabaseName), fresh = Path.Combine(folder.Path, "fresh.db");
        Execute(file, "ALTER TABLE run_steps DROP COLUMN ledger_bytes; ALTER TABLE run_steps DROP COLUMN ledger_peak_bytes; PRAGMA user_version = 1");
        InvalidInputException refused = Assert.Throws<InvalidInputException>(() => RunDatabase.OpenExisting(file));
        Assert.Contains("earlier version", refused.Message, StringComparison.Ordinal);

        await using (TestDaemon daemon = await TestDaemon.StartAsync(folder.Path))
        {
            StepPoint[] after = await StepsAsync(daemon, run);
            Assert.Equal(6, after.Length);
            foreach (StepPoint point in before) point.LedgerBytes = point.LedgerPeakBytes = 0;
            Assert.Equal(before, after);
            RunDetail next = await daemon.StartRunAsync(2);
            await daemon.WaitForAsync(next.Summary.Id, RunState.Completed);
            Assert.Equal(FakeJobRunner.LedgerOf(2), (await StepsAsync(daemon, next.Summary.Id))[^1].LedgerBytes);
        }
        RunDatabase.Open(fresh).Dispose();
        Assert.Equal(Columns(fresh), Columns(file));
    }

    [Fact(DisplayName = "database: a version that cannot be brought up stays as it was")]
    public void Open_WhereAScriptFailsHalfWay_LeavesTheEarlierVersion()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, DataFolder.DatabaseName);
        MakeFirstVersion(file);
        // The second of the script's two statements fails.
        Execute(file, "ALTER TABLE run_steps ADD COLUMN ledger_peak_bytes INTEGER");
        string[] before = Columns(file);

        Assert.Throws<StorageException>(() => RunDatabase.Open(file));

        Assert.Equal(before, Columns(file));
        using SqliteConnection connection = Connect(file);
        Assert.Equal(1, connection.QueryFirst<int>("PRAGMA user_version"));
    }

    [Fact(DisplayName = "database: one that is damaged, absent or none at all is refused by every way to open it")]
    public void Open_OfWhatIsNoWholeDatabase_SaysSo()
    {
        using TemporaryFolder folder = new();
        string damaged = folder.File("damaged.db"), text = folder.File("text.db"), absent = folder.File("absent.db");
        RunDatabase.Open(damaged).Dispose();
        Damage(damaged);
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("This is no database. ", 1_000)));
        foreach (Action open in (Action[])[() => RunDatabase.Open(damaged), () => RunDatabase.Look(damaged)])
            Assert.Contains("the database is damaged", Assert.Throws<StorageException>(open).Message, StringComparison.Ordinal);
        foreach (Action open in (Action[])[() => RunDatabase.Open(text), () => RunDatabase.Look(text), () => RunDatabase.OpenExisting(text)])
            Assert.Contains("cannot be used", Assert.Throws<StorageException>(open).Message, StringComparison.Ordinal);
        StorageException refused = Assert.Throws<StorageException>(() => RunDatabase.Open(folder.File("absent/lema.db")));
        Assert.Contains("cannot be used", refused.Message, StringComparison.Ordinal);
        Assert.False(FullDisk.IsWhy(refused));
        Assert.Contains("there is no database", Assert.Throws<InvalidInputException>(() => RunDatabase.OpenExisting(absent)).Message, StringComparison.Ordinal);
    }

    /// <summary>Leaves a database that opens and does not pass SQLite's check: a row without the value that its table demands.</summary>
    internal static void Damage(string file) => Execute(file, """
        CREATE TABLE spoilt (value TEXT);
        INSERT INTO spoilt VALUES (NULL);
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = 'CREATE TABLE spoilt (value TEXT NOT NULL)' WHERE name = 'spoilt';
        """);

    /// <summary>A database as the first version of the daemon made it.</summary>
    internal static void MakeFirstVersion(string file)
    {
        RunDatabase.Open(file).Dispose();
        Execute(file, "ALTER TABLE run_steps DROP COLUMN ledger_bytes; ALTER TABLE run_steps DROP COLUMN ledger_peak_bytes; PRAGMA user_version = 1");
    }

    private static void MakeLaterVersion(string file, string journal) =>
        Execute(file, $"PRAGMA journal_mode = {journal}; CREATE TABLE runs (id TEXT, what_comes_later TEXT); INSERT INTO runs VALUES ('later', 'kept'); PRAGMA user_version = 99");

    private static async Task<StepPoint[]> StepsAsync(TestDaemon daemon, string run)
    {
        List<StepPoint> steps = [];
        await foreach (var message in daemon.Training.WatchRun(new WatchRunRequest { Run = run, AfterSequence = 0 }).ResponseStream.ReadAllAsync())
            steps.AddRange(message.Events?.Events.Where(change => change.Steps is not null).SelectMany(change => change.Steps.Points) ?? []);
        return [.. steps];
    }

    private static string[] Columns(string file)
    {
        using SqliteConnection connection = Connect(file);
        return [.. connection.Query<string>("SELECT t.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY 1")];
    }

    private static void Execute(string file, string statements)
    {
        using SqliteConnection connection = Connect(file);
        connection.Execute(statements);
    }

    private static SqliteConnection Connect(string file)
    {
        SqliteConnection connection = new($"Data Source={file};Pooling=False");
        connection.Open();
        return connection;
    }
}
