using System.Text.Json;
using System.Text.Json.Serialization;
using Lema.Cli.Files;

namespace Lema.Cli.Transfers;

/// <summary>Which parts of a half-downloaded file are there, kept in a small file beside it.</summary>
internal sealed record PartialState(long Size, string Sha256, SortedSet<long> Done);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PartialState))]
internal sealed partial class PartialJson : JsonSerializerContext;

/// <summary>A file being downloaded: <c>NAME.part</c> with the bytes and <c>NAME.part.json</c> with what is there of them.</summary>
internal sealed class PartialFile
{
    private readonly string _target;
    private readonly PartialState _state;
    private readonly Lock _lock = new();

    private PartialFile(string target, PartialState state)
    {
        _target = target;
        _state = state;
    }

    public string BytesPath => _target + ".part";

    private string StatePath => _target + ".part.json";

    /// <summary>Goes on with what is there of the same file, or begins anew.</summary>
    public static PartialFile Open(string target, long size, string sha256)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        PartialFile file = new(target, new PartialState(size, sha256, []));
        if (file.Read() is { } found && found.Size == size && found.Sha256 == sha256 && File.Exists(file.BytesPath)) return new PartialFile(target, found);
        using FileStream fresh = new(file.BytesPath, FileMode.Create, FileAccess.Write);
        fresh.SetLength(size);
        file.Save();
        return file;
    }

    public IEnumerable<TransferPart> Missing(string path) => TransferPart.Missing(path, _state.Size, []).Where(p => !_state.Done.Contains(p.Offset));

    /// <summary>Notes that a part is there, its bytes written to the disk; safe to call from any thread.</summary>
    public void Complete(TransferPart part)
    {
        lock (_lock)
        {
            _state.Done.Add(part.Offset);
            Save();
        }
    }

    /// <summary>Gives the file its name.</summary>
    public void Finish()
    {
        File.Move(BytesPath, _target, overwrite: true);
        File.Delete(StatePath);
    }

    /// <summary>Removes what is there, after its hash turned out wrong.</summary>
    public void Discard()
    {
        File.Delete(BytesPath);
        File.Delete(StatePath);
    }

    private PartialState? Read()
    {
        try
        {
            return File.Exists(StatePath) ? JsonSerializer.Deserialize(File.ReadAllText(StatePath), PartialJson.Default.PartialState) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Save() => WholeFile.Write(StatePath, JsonSerializer.Serialize(_state, PartialJson.Default.PartialState));
}
