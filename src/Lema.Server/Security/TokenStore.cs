using System.Security.Cryptography;
using System.Text;
using Dapper;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;

namespace Lema.Server.Security;

/// <summary>
/// Tokens by their hashes. A token is 256 random bits, so a plain SHA-256 cannot be searched and tells as little as a slow one. Lives as long as the daemon.
/// </summary>
internal sealed class TokenStore(RunDatabase database, TimeProvider clock)
{
    public const string FirstToken = "admin";

    private const int TokenBytes = 32;

    /// <summary>The principal of a token; null when it is unknown or has expired. Takes as long for a wrong token as for a right one.</summary>
    public Principal? Find(string token)
    {
        byte[] hash = Hash(token);
        Row? found = null;
        foreach (Row row in Rows())
            if (CryptographicOperations.FixedTimeEquals(row.Hash, hash)) found = row;
        if (found is null || found.Expires is { } expires && RunDatabase.Time(expires) <= clock.GetUtcNow()) return null;
        return new Principal(found.Name, (Role)found.Role);
    }

    public IReadOnlyList<(string Name, Role Role, DateTimeOffset Created, DateTimeOffset? Expires)> List() =>
        [.. Rows().Select(row => (row.Name, (Role)row.Role, RunDatabase.Time(row.Created), row.Expires is { } expires ? RunDatabase.Time(expires) : (DateTimeOffset?)null))];

    /// <summary>Makes a token. It is shown this once; only its hash is kept.</summary>
    /// <exception cref="ConflictException">There is a token of that name.</exception>
    public async Task<string> AddAsync(string name, Role role, TimeSpan? lifetime = null)
    {
        ResourceNames.Check("name", name);
        string token = NewToken();
        return await InsertAsync(name, token, role, lifetime).ConfigureAwait(false) ? token : throw new ConflictException($"There is a token '{name}' already. Remove it first, or choose another name.");
    }

    /// <exception cref="NotFoundException">There is no such token.</exception>
    public async Task RemoveAsync(string name)
    {
        int removed = await database.WriteAsync((connection, transaction) => connection.Execute("DELETE FROM tokens WHERE name = @name", new { name }, transaction)).ConfigureAwait(false);
        if (removed == 0) throw new NotFoundException("token", name, "`lema-server token list` shows what there is.");
    }

    /// <summary>At the first start: makes the admin's token and writes it to its file, readable by its owner alone.</summary>
    public async Task EnsureFirstTokenAsync(string file)
    {
        if (Rows().Count > 0) return;
        string token = NewToken();
        File.Delete(file);
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using (FileStream stream = new(file, options))
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(token + "\n")).ConfigureAwait(false);
            stream.Flush(flushToDisk: true);
        }
        // Last, so that a crash in between leaves no token that nobody knows.
        await InsertAsync(FirstToken, token, Role.Admin, null).ConfigureAwait(false);
    }

    private static string NewToken() => "lema_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));

    private async Task<bool> InsertAsync(string name, string token, Role role, TimeSpan? lifetime)
    {
        DateTimeOffset now = clock.GetUtcNow();
        return await database.WriteAsync((connection, transaction) => connection.Execute(
            "INSERT OR IGNORE INTO tokens (name, hash, role, created, expires) VALUES (@name, @Hash, @Role, @Created, @Expires)",
            new { name, Hash = Hash(token), Role = (int)role, Created = RunDatabase.Text(now), Expires = lifetime is { } span ? RunDatabase.Text(now + span) : null }, transaction)).ConfigureAwait(false) == 1;
    }

    private IReadOnlyList<Row> Rows()
    {
        using SqliteConnection connection = database.Connect();
        return [.. connection.Query<Row>("SELECT name AS Name, hash AS Hash, role AS Role, created AS Created, expires AS Expires FROM tokens ORDER BY name")];
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private sealed class Row
    {
        public string Name { get; init; } = "";

        public byte[] Hash { get; init; } = [];

        public long Role { get; init; }

        public string Created { get; init; } = "";

        public string? Expires { get; init; }
    }
}
