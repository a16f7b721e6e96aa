using System.Security.Cryptography;
using Dapper;
using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Datasets;

/// <summary>The datasets of this host by name; each is one file in the data folder. Lives as long as the daemon.</summary>
internal sealed class DatasetRegistry(RunDatabase database, RunUses uses, DataFolder data, TimeProvider clock, IFileLayer? files = null)
{
    private const string Columns =
        "name AS Name, file AS File, row_count AS Rows, size_bytes AS SizeBytes, format AS Format, sha256 AS Sha256, heldout AS Heldout, added AS Added";

    private readonly IFileLayer _files = files ?? FileLayer.Instance;

    public IReadOnlyList<Dataset> List()
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<Row>($"SELECT {Columns} FROM datasets ORDER BY name").Select(row => row.ToDataset())];
    }

    /// <exception cref="NotFoundException">There is no such dataset.</exception>
    public Dataset Get(string name) => Find(name)?.ToDataset() ?? throw Missing(name);

    public bool Exists(string name) => Find(name) is not null;

    /// <summary>Full path of a dataset's file.</summary>
    /// <exception cref="NotFoundException">There is no such dataset.</exception>
    public string FileOf(string name) => Path.Combine(data.Datasets, (Find(name) ?? throw Missing(name)).File);

    /// <exception cref="ConflictException">The name is taken, and it is not to be replaced, or cannot be because runs are not through with it.</exception>
    public void CheckFree(string name, bool overwrite)
    {
        if (overwrite) CheckUnused(name, "replaced", ", or choose another name");
        if (!overwrite && Exists(name)) throw new ConflictException($"There is a dataset '{name}' already. Choose another name, or say that it is to be replaced.");
    }

    /// <exception cref="ConflictException">Runs are not through with it: they train on it, or are evaluated on it.</exception>
    private void CheckUnused(string name, string done, string otherwise = "") =>
        uses.Check($"Dataset '{name}'", done, run => run.Summary.Dataset == name || run.EvaluationDataset == name, otherwise);

    /// <summary>Takes a finished file into the data folder and registers it.</summary>
    /// <param name="file">Is moved; it lies on the data folder's disk.</param>
    /// <param name="ending">Ending of the file's name, which says the format.</param>
    public async Task<Dataset> AddAsync(string name, string file, string ending, string heldout, bool overwrite)
    {
        ResourceNames.Check("name", name);
        CheckFree(name, overwrite);
        DatasetSummary summary = DatasetErrors.Named([(file, name)], () => DatasetSummary.Read(file, ending));
        string sha256 = await HashAsync(file).ConfigureAwait(false);
        // The file of a name and its row change together: two calls at once would else remove each other's file, or replace what neither was to replace.
        return await uses.AloneAsync(async () =>
        {
            CheckFree(name, overwrite);
            // A new name for other content: the old file stays whole until the new one is registered, and goes then.
            string? oldName = Find(name)?.File;
            string fileName = $"{name}-{sha256[..12]}{ending}";
            _files.SyncFile(file);
            _files.RenameFile(file, Path.Combine(data.Datasets, fileName));
            _files.SyncFolder(data.Datasets);
            Row row = new()
            {
                Name = name, File = fileName, Rows = summary.Rows, SizeBytes = new FileInfo(Path.Combine(data.Datasets, fileName)).Length, Format = summary.Format, Sha256 = sha256,
                Heldout = heldout, Added = RunDatabase.Text(clock.GetUtcNow()),
            };
            await database.WriteAsync((connection, transaction) => connection.Execute("""
                INSERT OR REPLACE INTO datasets (name, file, row_count, size_bytes, format, sha256, heldout, added)
                VALUES (@Name, @File, @Rows, @SizeBytes, @Format, @Sha256, @Heldout, @Added)
                """, row, transaction)).ConfigureAwait(false);
            if (oldName is not null && oldName != fileName) _files.DeleteFile(Path.Combine(data.Datasets, oldName));
            return row.ToDataset();
        }).ConfigureAwait(false);
    }

    /// <exception cref="NotFoundException">There is no such dataset.</exception>
    /// <exception cref="ConflictException">Runs are not through with it.</exception>
    public Task DeleteAsync(string name) => uses.AloneAsync(async () =>
    {
        Row row = Find(name) ?? throw Missing(name);
        CheckUnused(name, "deleted");
        await database.WriteAsync((connection, transaction) => connection.Execute("DELETE FROM datasets WHERE name = @name", new { name }, transaction)).ConfigureAwait(false);
        _files.DeleteFile(Path.Combine(data.Datasets, row.File));
        return row;
    });

    private Row? Find(string name)
    {
        using SqliteConnection connection = database.Connect();
        return connection.QueryFirstOrDefault<Row>($"SELECT {Columns} FROM datasets WHERE name = @name", new { name });
    }

    private static NotFoundException Missing(string name) => new("dataset", name, "`lema-remote dataset list` shows what there is.");

    private static async Task<string> HashAsync(string file)
    {
        await using FileStream stream = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream).ConfigureAwait(false));
    }

    private sealed class Row
    {
        public string Name { get; init; } = "";

        public string File { get; init; } = "";

        public long Rows { get; init; }

        public long SizeBytes { get; init; }

        public string Format { get; init; } = "";

        public string Sha256 { get; init; } = "";

        public string Heldout { get; init; } = "";

        public string Added { get; init; } = "";

        public Dataset ToDataset() => new()
        {
            Name = Name, Rows = Rows, SizeBytes = SizeBytes, Format = Format, Sha256 = Sha256, Heldout = Heldout, Added = Timestamp.FromDateTimeOffset(RunDatabase.Time(Added)),
        };
    }
}
