using Lema.Engine.Adapters;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Storage;
using Lema.Engine.Streaming;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>
/// Makes a Hugging Face folder of base and adapter together, tensor by tensor in the order of the base's files. Memory in use is one layer's adapter and a few tiles, whatever
/// the model's size.
/// </summary>
public static class AdapterMerger
{
    /// <summary>Merges a checkpoint or any other PEFT folder into its base.</summary>
    /// <param name="output">Folder to create, whole or not at all; it must not exist or be empty.</param>
    /// <exception cref="LemaException">Base or adapter is not valid, they do not belong together, the output exists, or the disk is full or refuses.</exception>
    public static MergedModel Merge(
        string baseFolder, string adapterFolder, string output, MergeOptions options, IProgress<ByteProgress>? progress = null, CancellationToken stop = default)
    {
        DecoderModel model = ModelFamilies.Read(baseFolder);
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(baseFolder);
        _ = ModelUnits.Of(model, index);
        using ModelFiles files = new();
        using AdapterWeights adapters = TrainedFolder.Open(adapterFolder, model, files);
        MergePlan plan = MergePlan.Of(model, index, adapters, options);
        RequireSpace(output, plan.TotalBytes);
        AtomicFolder.Create(output, temporary =>
        {
            WriteShards(temporary, plan, adapters, files, progress, stop);
            files.VerifyUnchanged(index.Headers.Select(header => header.File));
            MergedFolder.WriteFiles(index.Folder, temporary, plan, options.Dtype);
        });
        return new MergedModel(Path.GetFullPath(output), plan.TotalBytes, plan.Shards.Sum(shard => shard.Count(tensor => tensor.Update is not null)));
    }

    private static void WriteShards(string folder, MergePlan plan, AdapterWeights adapters, ModelFiles files, IProgress<ByteProgress>? progress, CancellationToken stop)
    {
        using var noGrad = no_grad();
        using ReadAhead reader = new(files);
        long done = 0, total = plan.TotalBytes;
        for (int shard = 0; shard < plan.Shards.Count; shard++)
        {
            using SafetensorsWriter writer = new(Path.Combine(folder, MergedFolder.ShardName(shard, plan.Shards.Count)), plan.Shards[shard].Select(tensor => tensor.Spec));
            TensorMerge merge = new(adapters, writer);
            reader.ForEach(plan.Shards[shard].SelectMany(merge.Tiles), tile => tile.Place, (bytes, tile) =>
            {
                stop.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                tile.Use(bytes);
                progress?.Report(new ByteProgress(done + writer.DataBytes, total));
            });
            writer.Complete();
            done += writer.DataBytes;
        }
    }

    /// <summary>A merge of many gigabytes should not find out at its end that they do not fit.</summary>
    private static void RequireSpace(string output, long bytes)
    {
        string? existing = Path.GetFullPath(output);
        while (existing is not null && !Directory.Exists(existing)) existing = Path.GetDirectoryName(existing);
        if (existing is null) return;
        long free = new DriveInfo(existing).AvailableFreeSpace;
        if (free < bytes)
            throw new StorageException(output, 0, $"the merged model needs {bytes:N0} bytes, the disk has {free:N0} free; free space or choose another folder") { IsDiskFull = true };
    }
}
