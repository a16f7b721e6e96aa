using System.Text.Json;
using Lema.Engine.Errors;
using Lema.Engine.Storage;

namespace Lema.Engine.Weights;

/// <summary>Finds the .safetensors files of a Hugging Face folder, and checks that the shards lie in it and hold what the index file says.</summary>
internal static class ShardList
{
    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";
    private const long LargestIndexBytes = 100_000_000;

    public static IReadOnlyList<SafetensorsHeader> Read(string folder)
    {
        string single = Path.Combine(folder, SingleFile);
        if (File.Exists(single)) return [SafetensorsHeader.Read(Inside(folder, single, single, ""))];
        string index = Path.Combine(folder, IndexFile);
        if (!File.Exists(index))
            throw new InvalidInputException(folder, "", $"holds neither {SingleFile} nor {IndexFile}; Lema reads .safetensors weights only (no pickle files)");
        return ReadShards(folder, index);
    }

    private static List<SafetensorsHeader> ReadShards(string folder, string index)
    {
        Dictionary<string, string> shardOf = WeightMap(index);
        List<SafetensorsHeader> headers = [];
        HashSet<string> found = new(StringComparer.Ordinal);
        foreach (string shard in shardOf.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            SafetensorsHeader header = SafetensorsHeader.Read(ShardPath(folder, index, shard));
            headers.Add(header);
            foreach (SafetensorsTensor tensor in header.Tensors)
            {
                string place = $"tensor {Quoted.Name(tensor.Name)}";
                if (!found.Add(tensor.Name)) throw new InvalidInputException(header.File, place, "is in two shards; remove one of the two");
                if (!shardOf.TryGetValue(tensor.Name, out string? listed)) throw new InvalidInputException(index, place, $"is in {Quoted.Name(shard)} but not in weight_map");
                if (listed != shard) throw new InvalidInputException(index, place, $"weight_map says {Quoted.Name(listed)}, but it is in {Quoted.Name(shard)}");
            }
        }
        if (shardOf.Keys.FirstOrDefault(name => !found.Contains(name)) is { } missing)
            throw new InvalidInputException(index, $"tensor {Quoted.Name(missing)}", $"is not in {Quoted.Name(shardOf[missing])}; download the model again");
        return headers;
    }

    private static Dictionary<string, string> WeightMap(string index)
    {
        if (new FileInfo(index).Length > LargestIndexBytes) throw new InvalidInputException(index, "", $"is over {LargestIndexBytes} bytes");
        try
        {
            using JsonDocument json = JsonText.Parse(File.ReadAllBytes(index), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
                throw new InvalidInputException(index, "weight_map", "has to be an object of tensor names and file names");
            Dictionary<string, string> shardOf = new(StringComparer.Ordinal);
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String) throw new InvalidInputException(index, $"weight_map {Quoted.Name(entry.Name)}", "has to be a file name");
                shardOf.Add(entry.Name, entry.Value.GetString()!);
            }
            return shardOf.Count > 0 ? shardOf : throw new InvalidInputException(index, "weight_map", "is empty");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new InvalidInputException(index, "", $"is not valid JSON: {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(index, 0, error.Message, error);
        }
    }

    private static string ShardPath(string folder, string index, string shard)
    {
        string place = $"shard {Quoted.Name(shard)}";
        if (shard.Length == 0 || shard.Contains('\0')) throw new InvalidInputException(index, place, "is not a file name");
        if (Path.IsPathRooted(shard)) throw new InvalidInputException(index, place, "is an absolute path; shards lie in the model's folder");
        string path = Path.GetFullPath(Path.Combine(folder, shard));
        if (!RealPath.IsBelow(folder, path)) throw new InvalidInputException(index, place, "lies outside the model's folder");
        if (!File.Exists(path)) throw new InvalidInputException(index, place, "is missing; download it again");
        return Inside(folder, path, index, place);
    }

    /// <summary>The cache of huggingface_hub keeps weights in <c>../../blobs</c>; such a model has to be copied with its links resolved.</summary>
    private static string Inside(string folder, string path, string source, string place) =>
        RealPath.IsInside(folder, path) ? path : throw new InvalidInputException(source, place, "is a symbolic link out of the model's folder; copy the file itself into the folder");
}
