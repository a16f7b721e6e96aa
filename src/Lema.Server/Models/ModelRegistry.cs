using Dapper;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Models;

/// <summary>The models of this host by name. Lives as long as the daemon.</summary>
internal sealed class ModelRegistry(RunDatabase database, DataFolder data, ModelRoots roots, TimeProvider clock, IFileLayer? files = null)
{
    public const string EmbeddedName = "lema-tiny";

    private readonly HashSet<string> _reserved = [];

    private const string Columns = "name AS Name, origin AS Origin, folder AS Folder, added AS Added";

    private static readonly ModelRecord Embedded =
        new(EmbeddedName, ModelOrigin.Embedded, Path.Combine(AppContext.BaseDirectory, "assets", EmbeddedName), Added: null);

    public IReadOnlyList<ModelRecord> List()
    {
        using SqliteConnection connection = database.Connect();
        return [Embedded, .. connection.Query<Row>($"SELECT {Columns} FROM models ORDER BY name").Select(ToRecord)];
    }

    /// <exception cref="NotFoundException">There is no such model.</exception>
    public ModelRecord Get(string name) => Find(name) ?? throw new NotFoundException("model", name, "`lema-remote model list` shows what there is.");

    public ModelRecord? Find(string name)
    {
        if (name == EmbeddedName) return Embedded;
        using SqliteConnection connection = database.Connect();
        return connection.QueryFirstOrDefault<Row>($"SELECT {Columns} FROM models WHERE name = @name", new { name }) is { } row ? ToRecord(row) : null;
    }

    /// <summary>Registers a folder inside a model root.</summary>
    /// <exception cref="LemaException">The name is taken, the folder is not allowed, or it holds no model that can be used.</exception>
    public async Task<ModelRecord> AddAsync(string name, string folder)
    {
        ResourceNames.Check("name", name);
        Reserve(name);
        try
        {
            string real = roots.Resolve(folder);
            ModelDescription.Read(real);
            return await RegisterAsync(name, ModelOrigin.Added, real).ConfigureAwait(false);
        }
        finally
        {
            Release(name);
        }
    }

    /// <summary>Registers a folder that this daemon made itself.</summary>
    /// <exception cref="ConflictException">The name is taken.</exception>
    public async Task<ModelRecord> RegisterAsync(string name, ModelOrigin origin, string folder)
    {
        ModelRecord record = new(name, origin, folder, clock.GetUtcNow());
        await database.WriteAsync((connection, transaction) => Insert(connection, transaction, record)).ConfigureAwait(false);
        return record;
    }

    /// <exception cref="ConflictException">The name is taken.</exception>
    public static void Insert(SqliteConnection connection, SqliteTransaction transaction, ModelRecord record)
    {
        int added = connection.Execute("INSERT OR IGNORE INTO models (name, origin, folder, added) VALUES (@Name, @Origin, @Folder, @Added)",
            new { record.Name, Origin = (int)record.Origin, record.Folder, Added = RunDatabase.Text(record.Added!.Value) }, transaction);
        if (added == 0) throw Taken(record.Name);
    }

    /// <summary>Keeps a name for a model that is being made, until <see cref="Release"/>.</summary>
    /// <exception cref="ConflictException">The name is taken, or kept for another.</exception>
    public void Reserve(string name)
    {
        lock (_reserved)
        {
            if (Find(name) is not null) throw Taken(name);
            if (!_reserved.Add(name)) throw new ConflictException($"A model '{name}' is being made: a merge or an upload is under way. Wait for it, or choose another name.");
        }
    }

    public void Release(string name)
    {
        lock (_reserved) _reserved.Remove(name);
    }

    public bool IsFree(string name)
    {
        lock (_reserved) return Find(name) is null && !_reserved.Contains(name);
    }

    /// <summary>Forgets a model, and removes what lies in the data folder of it.</summary>
    public async Task DeleteAsync(string name)
    {
        ModelRecord record = Get(name);
        if (record.Origin == ModelOrigin.Embedded) throw new ConflictException($"Model '{name}' ships with the server and cannot be deleted.");
        await database.WriteAsync((connection, transaction) => connection.Execute("DELETE FROM models WHERE name = @name", new { name }, transaction)).ConfigureAwait(false);
        if (IsKept(record.Origin)) Folders.DeleteIfThere(record.Folder, files);
        Folders.DeleteIfThere(PreparedFolder(name), files);
    }

    /// <summary>Where the layer-ordered copy of a model is, or would be.</summary>
    public string PreparedFolder(string name) => Path.Combine(data.Prepared, name);

    public bool IsPrepared(string name) => Directory.Exists(PreparedFolder(name));

    /// <summary>The folder to stream from: the layer-ordered copy where there is one.</summary>
    public string StreamingFolder(ModelRecord model) => IsPrepared(model.Name) ? PreparedFolder(model.Name) : model.Folder;

    /// <summary>What lies in the data folder is found there wherever that folder is now: it may have been restored to another place.</summary>
    private ModelRecord ToRecord(Row row) => new(
        row.Name, (ModelOrigin)row.Origin, IsKept((ModelOrigin)row.Origin) ? Path.Combine(data.Models, row.Name) : row.Folder, RunDatabase.Time(row.Added));

    private static bool IsKept(ModelOrigin origin) => origin is ModelOrigin.Uploaded or ModelOrigin.Merged;

    private static ConflictException Taken(string name) => new($"There is a model '{name}' already. Choose another name, or delete that one.");

    private sealed class Row
    {
        public string Name { get; init; } = "";

        public long Origin { get; init; }

        public string Folder { get; init; } = "";

        public string Added { get; init; } = "";
    }
}
