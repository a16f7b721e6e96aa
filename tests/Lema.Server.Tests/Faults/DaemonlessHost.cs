using Dapper;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;
using Lema.Server.Artifacts;
using Lema.Server.Datasets;
using Lema.Server.Hosting;
using Lema.Server.Models;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Testing;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Tests.Faults;

/// <summary>What works on a data folder, without a daemon around it.</summary>
internal sealed class DaemonlessHost : IDisposable
{
    private readonly DataFolder _data;
    private readonly RunDatabase _database;
    private readonly SqliteConnection _held;
    private readonly UploadStore _uploads;
    private readonly UploadCommit _commit;

    /// <param name="layer">Made when the database is open, with the files that SQLite has beside it then: what SQLite writes is not lost with a kill.</param>
    public DaemonlessHost(string root, Func<FaultyFileLayer>? layer = null)
    {
        _data = DataFolder.Open(root);
        _database = RunDatabase.Open(_data.Database);
        _held = _database.Connect();
        _held.Query<string>("SELECT name FROM models");
        Files = layer?.Invoke();
        Models = new ModelRegistry(_database, _data, new ModelRoots([]), TimeProvider.System, Files);
        RunStore runs = new(_database);
        RunUses uses = new(runs);
        Datasets = new DatasetRegistry(_database, uses, _data, TimeProvider.System, Files);
        _uploads = new UploadStore(_data, TimeProvider.System, Files);
        RunsFeed feed = new();
        Removal = new RunRemoval(new RunDirectory(runs, feed), runs, uses, feed, _data, Files);
        _commit = new UploadCommit(_uploads, Models, Datasets, uses, _data, Files);
    }

    public FaultyFileLayer? Files { get; }

    public ModelRegistry Models { get; }

    public DatasetRegistry Datasets { get; }

    public RunRemoval Removal { get; }

    public void CleanUp() => StartupCleanup.Run(_data, _database, Files);

    public Task PruneAsync() => Retention.PruneAsync(_data.Root, TimeSpan.Zero, TimeProvider.System, Files);

    /// <summary>Makes a run that has ended, unless its state says otherwise, with a folder.</summary>
    public async Task AddRunAsync(string id, RunState state = RunState.Completed)
    {
        RunSummary summary = new() { Id = id, Name = id, State = state, Created = Timestamp.FromDateTime(DateTime.UnixEpoch), Ended = Timestamp.FromDateTime(DateTime.UnixEpoch) };
        await _database.WriteAsync((connection, transaction) => RunStore.Insert(connection, transaction, new RunDetail { Summary = summary, Settings = new RunSettings() }, idempotencyKey: null));
        Fill($"runs/{id}");
    }

    /// <summary>Makes a folder with something in it.</summary>
    public string Fill(string path)
    {
        string folder = Path.Combine(_data.Root, path);
        Directory.CreateDirectory(Path.Combine(folder, "inner"));
        File.WriteAllText(Path.Combine(folder, "inner", "file"), path);
        return folder;
    }

    /// <summary>Makes a file of datasets that no dataset has.</summary>
    public void Leave(string name) => File.WriteAllText(Path.Combine(_data.Datasets, name), "{}");

    /// <summary>Goes on with an upload until all of it is there.</summary>
    /// <returns>Its id.</returns>
    public string Send(SampleUpload upload)
    {
        BeginUploadRequest request = new() { Kind = upload.Kind, Name = upload.Name, Overwrite = upload.Kind != UploadKind.Model };
        request.Files.AddRange(upload.Files.Select(file => new FileEntry { Path = file.Key, SizeBytes = file.Value.Length, Sha256 = Sha256.Of(file.Value) }));
        Upload begun = _uploads.Begin(request);
        if (begun.ReceivedBytes == begun.TotalBytes) return begun.Id;
        foreach ((string path, byte[] content) in upload.Files)
        {
            for (int at = 0; at < content.Length; at += UploadStore.LargestChunk)
                _uploads.Write(new WriteUploadRequest { UploadId = begun.Id, Path = path, Offset = at, Data = ByteString.CopyFrom(content, at, Math.Min(UploadStore.LargestChunk, content.Length - at)) });
            _uploads.Record(begun.Id, new Dictionary<string, ReceivedRanges> { [path] = new([new ByteRange { Length = content.Length }]) });
        }
        return begun.Id;
    }

    public Task UploadAsync(SampleUpload upload) => _commit.CommitAsync(new CommitUploadRequest { UploadId = Send(upload) });

    public void Dispose()
    {
        _held.Dispose();
        _database.Dispose();
        _data.Dispose();
    }
}
