using System.Text;
using Dapper;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Models;
using Lema.Server.Storage;
using Lema.Testing;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Tests.Faults;

/// <summary>
/// The daemon's own work on its data folder, killed before and after each of its file operations, the start after it killed in turn. Then the state is the old or the new
/// one, whole, in the database as on the disk, nothing else is there, and what was asked for can be done.
/// </summary>
public sealed class DataFolderKillTests
{
    private static readonly string[] Parts = ["models", "prepared", "datasets", "adapters", "runs"];
    private static readonly string Tiny = Path.Combine(AppContext.BaseDirectory, "assets", ModelRegistry.EmbeddedName);

    [Fact(DisplayName = "kill -9 at every named point of a model's deletion")]
    public Task DeleteModel_KilledAnywhere_LeavesItWholeOrGone() => EverywhereAsync(
        async host =>
        {
            await host.Models.RegisterAsync("other", ModelOrigin.Merged, host.Fill("models/other"));
            await host.Models.RegisterAsync("gone", ModelOrigin.Merged, host.Fill("models/gone"));
            host.Fill("prepared/gone");
        },
        host => host.Models.DeleteAsync("gone"));

    [Fact(DisplayName = "kill -9 at every named point of a dataset's deletion")]
    public Task DeleteDataset_KilledAnywhere_LeavesItWholeOrGone() => EverywhereAsync(
        host => host.UploadAsync(Rows("gone", "one")),
        host => host.Datasets.DeleteAsync("gone"));

    [Fact(DisplayName = "kill -9 at every named point of a run's deletion")]
    public Task DeleteRun_KilledAnywhere_LeavesItWholeOrGone() => EverywhereAsync(
        async host =>
        {
            await host.AddRunAsync("kept");
            await host.AddRunAsync("gone");
        },
        host => host.Removal.DeleteAsync("gone"));

    [Fact(DisplayName = "kill -9 at every named point of prune")]
    public Task PruneRun_KilledAnywhere_LeavesItWholeOrGone() => EverywhereAsync(
        async host =>
        {
            await host.AddRunAsync("kept", RunState.Paused);
            await host.AddRunAsync("gone");
        },
        host => host.PruneAsync());

    [Fact(DisplayName = "kill -9 at every named point of a model's upload being taken over")]
    public Task CommitModel_KilledAnywhere_LeavesNoneOrTheWhole()
    {
        SampleUpload model = new(UploadKind.Model, "up", Directory.GetFiles(Tiny).Order(StringComparer.Ordinal).ToDictionary(file => Path.GetFileName(file)!, File.ReadAllBytes));
        return EverywhereAsync(
            host =>
            {
                host.Send(model);
                return Task.CompletedTask;
            },
            host => host.UploadAsync(model));
    }

    [Fact(DisplayName = "kill -9 at every named point of a dataset's upload being taken over in place of another")]
    public Task CommitDataset_KilledAnywhere_LeavesTheOldOrTheNew()
    {
        SampleUpload newer = Rows("rows", "two");
        return EverywhereAsync(
            async host =>
            {
                await host.UploadAsync(Rows("rows", "one"));
                host.Send(newer);
            },
            host => host.UploadAsync(newer));
    }

    [Fact(DisplayName = "kill -9 at every named point of an adapter's upload being taken over in place of another")]
    public Task CommitAdapter_KilledAnywhere_LeavesTheOldOrTheNew()
    {
        SampleUpload newer = Adapter("two");
        return EverywhereAsync(
            async host =>
            {
                await host.UploadAsync(Adapter("one"));
                host.Send(newer);
            },
            host => host.UploadAsync(newer));
    }

    [Fact(DisplayName = "kill -9 at every named point of the clean-up at a start")]
    public Task CleanUp_KilledAnywhere_IsCarriedOutByTheNextStart() => EverywhereAsync(
        async host =>
        {
            await host.UploadAsync(Rows("rows", "one"));
            await host.Models.RegisterAsync("kept", ModelOrigin.Merged, host.Fill("models/kept"));
            foreach (string left in (string[])["models/unknown", "models/.partial-merge", "models/.removed-model", "prepared/unknown", "prepared/.partial-kept", "runs/unknown", "uploads/begun",
                "uploads/.removed-upload", "adapters/there", "adapters/.replaced-there", "adapters/.replaced-aside", "adapters/.removed-.replaced-other"]) host.Fill(left);
            host.Send(Adapter("waits"));
            host.Leave("unknown.jsonl");
            host.Leave(".hidden");
        },
        host =>
        {
            host.CleanUp();
            return Task.CompletedTask;
        });

    [Fact(DisplayName = "kill -9 at every named point of a backup and of its restoration")]
    public async Task BackupAndRestore_KilledAnywhere_LeaveTheWholeFolderOrNoneAndCanBeMadeAgain()
    {
        using TemporaryFolder folder = new();
        string data = folder.File("data"), backup = folder.File("backup"), restored = folder.File("restored");
        using (DaemonlessHost host = new(data))
        {
            await host.Models.RegisterAsync("kept", ModelOrigin.Merged, host.Fill("models/kept"));
            await host.UploadAsync(Rows("rows", "one"));
        }
        string state = StateOf(data);
        Everywhere(backup, files => DataBackup.Create(data, backup, files));
        Assert.Equal(state, StateOf(backup));
        Everywhere(restored, files => DataBackup.Restore(backup, restored, files));
        Assert.Equal(state, StateOf(restored));
        Assert.Equal(["backup", "data", "restored"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());

        void Everywhere(string target, Action<IFileLayer?> make)
        {
            FaultyFileLayer whole = new(folder.Path);
            make(whole);
            for (int i = 0; i < whole.Operations.Count; i++)
            {
                foreach (bool before in (bool[])[true, false])
                {
                    if (Directory.Exists(target)) Directory.Delete(target, recursive: true);
                    FaultyFileLayer files = new(folder.Path) { KillBefore = before ? i : null, KillAfter = before ? null : i };
                    Assert.Throws<KilledException>(() => make(files));
                    if (Directory.Exists(target)) Assert.Equal(state, StateOf(target));
                    else make(null);
                }
            }
        }
    }

    /// <param name="prepare">Makes the old state.</param>
    /// <param name="act">Makes the new one of it.</param>
    private static async Task EverywhereAsync(Func<DaemonlessHost, Task> prepare, Func<DaemonlessHost, Task> act)
    {
        string before, after;
        string[] steps, uploads;
        using (TemporaryFolder root = new())
        {
            using (DaemonlessHost host = new(root.Path)) await prepare(host);
            before = StateOf(root.Path);
            using (DaemonlessHost host = new(root.Path, () => new FaultyFileLayer(root.Path)))
            {
                await act(host);
                steps = [.. host.Files!.Operations];
            }
            CleanUp(root.Path);
            (after, uploads) = (StateOf(root.Path), UploadsOf(root.Path));
        }
        Assert.NotEqual(before, after);
        Assert.InRange(steps.Length, 1, 40);
        for (int i = 0; i < steps.Length; i++)
        {
            await KillAsync(root => new FaultyFileLayer(root) { KillBefore = i }, $"before {i}, {steps[i]}");
            await KillAsync(root => new FaultyFileLayer(root) { KillAfter = i }, $"after {i}, {steps[i]}");
        }

        async Task KillAsync(Func<string, FaultyFileLayer> layer, string moment)
        {
            using TemporaryFolder root = new();
            using (DaemonlessHost host = new(root.Path)) await prepare(host);
            using (DaemonlessHost host = new(root.Path, () => layer(root.Path))) await Assert.ThrowsAsync<KilledException>(() => act(host));
            CleanUp(root.Path);
            string state = StateOf(root.Path);
            if (state == before)
            {
                using DaemonlessHost next = new(root.Path);
                await act(next);
                state = StateOf(root.Path);
            }
            Assert.True(state == after, $"{moment}: {state}");
            Assert.True(uploads.SequenceEqual(UploadsOf(root.Path)), moment);
        }
    }

    /// <summary>Starts, each of which is killed after its first operation, until one finds nothing to do.</summary>
    private static void CleanUp(string root)
    {
        for (bool isKilled = true; isKilled;)
        {
            using DaemonlessHost host = new(root, () => new FaultyFileLayer(root) { KillAfter = 0 });
            try
            {
                host.CleanUp();
                isKilled = false;
            }
            catch (KilledException)
            {
            }
        }
    }

    /// <summary>What the database knows, and every file and folder but uploads.</summary>
    private static string StateOf(string root)
    {
        using RunDatabase database = RunDatabase.OpenExisting(Path.Combine(root, DataFolder.DatabaseName));
        using SqliteConnection connection = database.Connect();
        IEnumerable<string> known = connection.Query<string>("SELECT 'model ' || name FROM models UNION ALL SELECT 'dataset ' || name || ' ' || sha256 FROM datasets UNION ALL SELECT 'run ' || name FROM runs ORDER BY 1");
        IEnumerable<string> there = Parts.Select(part => Path.Combine(root, part)).Where(Directory.Exists).SelectMany(part => Directory.EnumerateFileSystemEntries(part, "*", SearchOption.AllDirectories))
            .Order(StringComparer.Ordinal).Select(path => $"{Path.GetRelativePath(root, path)} {(File.Exists(path) ? Sha256.OfFile(path)[..8] : "")}");
        return string.Join('\n', [.. known, .. there]);
    }

    private static string[] UploadsOf(string root) => [.. Directory.EnumerateFileSystemEntries(Path.Combine(root, "uploads"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(path => Path.GetRelativePath(root, path))];

    private static SampleUpload Rows(string name, string text) => new(UploadKind.Dataset, name, new Dictionary<string, byte[]> { ["rows.jsonl"] = Encoding.UTF8.GetBytes($$"""{"prompt":"{{text}}","completion":"x"}""") });

    private static SampleUpload Adapter(string text) => new(UploadKind.Adapter, "there", new Dictionary<string, byte[]> { ["adapter_config.json"] = Encoding.UTF8.GetBytes(text), ["adapter_model.safetensors"] = Encoding.UTF8.GetBytes(text) });
}
