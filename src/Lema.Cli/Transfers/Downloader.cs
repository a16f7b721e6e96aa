using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Polly;

namespace Lema.Cli.Transfers;

/// <summary>Brings files of a host here, in parallel parts, verified by SHA-256. Started again after a break it goes on where it was.</summary>
internal sealed class Downloader(HostConnection host, Output output, TimeProvider clock)
{
    /// <summary>Downloads files of an owner into a folder; files that are there already with the right hash are left.</summary>
    /// <returns>Full names of the files.</returns>
    public async Task<IReadOnlyList<string>> DownloadAsync(string owner, IReadOnlyList<FileEntry> files, string folder, CancellationToken cancellation)
    {
        ResiliencePipeline retry = CallRetry.InTransfer(output.Note);
        TransferProgress progress = new(output, clock, "downloading", files.Sum(f => f.SizeBytes));
        List<string> names = [];
        foreach (FileEntry file in files)
        {
            string target = TargetOf(folder, file.Path);
            try
            {
                await DownloadFileAsync(owner, file, target, retry, progress, cancellation);
            }
            catch (IOException failure) when (FullDisk.IsCauseOf(failure))
            {
                throw new CliException(ExitCode.Failed, FullDisk.At(target).Message, "Free some space there: a download that is given again goes on where it was. Or name another folder with --output.");
            }
            names.Add(target);
        }
        progress.End();
        return names;
    }

    /// <summary>Where a file of the host goes; a path that leads out of the folder is refused.</summary>
    /// <exception cref="CliException">The host sent a path that is no relative path below the folder.</exception>
    internal static string TargetOf(string folder, string path)
    {
        string root = Path.GetFullPath(folder);
        string target = Path.GetFullPath(Path.Combine(root, path));
        bool inside = path.Length > 0 && target.StartsWith(root.TrimEnd('/') + "/", StringComparison.Ordinal) && !path.Split('/').Contains("..");
        return inside ? target : throw new CliException(ExitCode.InvalidInput, $"The host names a file '{path}', which would lie outside of {root}.");
    }

    private async Task DownloadFileAsync(string owner, FileEntry file, string target, ResiliencePipeline retry, TransferProgress progress, CancellationToken cancellation)
    {
        // Without its hash, what an earlier download left behind could be of another file of that name.
        if (file.Sha256.Length == 0) file.Sha256 = await retry.ExecuteAsync(async attempt => await HashOnHostAsync(owner, file, attempt), cancellation);
        if (File.Exists(target) && new FileInfo(target).Length == file.SizeBytes && await LocalFolder.HashAsync(target, _ => { }, cancellation) == file.Sha256)
        {
            progress.Skip(file.SizeBytes);
            return;
        }
        PartialFile partial = PartialFile.Open(target, file.SizeBytes, file.Sha256);
        TransferPart[] missing = [.. partial.Missing(file.Path)];
        progress.Skip(file.SizeBytes - missing.Sum(p => p.Length));
        await Parallel.ForEachAsync(missing, new ParallelOptions { MaxDegreeOfParallelism = TransferPart.ParallelCalls, CancellationToken = cancellation }, async (part, token) =>
        {
            long received = 0;
            await retry.ExecuteAsync(async attempt => await ReceiveAsync(owner, file, part with { Offset = part.Offset + received, Length = part.Length - received }, partial.BytesPath, bytes =>
            {
                received += bytes;
                progress.Add(bytes);
            }, attempt), token);
            partial.Complete(part);
        });
        string actual = await LocalFolder.HashAsync(partial.BytesPath, _ => { }, cancellation);
        if (actual != file.Sha256)
        {
            partial.Discard();
            throw new CliException(ExitCode.Failed, $"{file.Path} arrived damaged: its SHA-256 is {actual}, the host says {file.Sha256}.", "Download it again.");
        }
        partial.Finish();
    }

    /// <summary>SHA-256 of a file of the host: a download of none of its bytes ends with it.</summary>
    private async Task<string> HashOnHostAsync(string owner, FileEntry file, CancellationToken cancellation)
    {
        DownloadArtifactRequest request = new() { Owner = owner, Path = file.Path, Offset = file.SizeBytes };
        using AsyncServerStreamingCall<DownloadArtifactResponse> call = host.Artifacts.DownloadArtifact(request, cancellationToken: cancellation);
        string sha256 = "";
        await foreach (DownloadArtifactResponse message in call.ResponseStream.ReadAllAsync(cancellation)) sha256 = message.Sha256;
        return sha256.Length > 0 ? sha256 : throw new CliException(ExitCode.Failed, $"{file.Path}: the host told no SHA-256 of it.", "The file may be growing; download it when it is finished.");
    }

    /// <param name="arrived">Told of bytes as they are written, so that the next attempt goes on after them.</param>
    private async Task ReceiveAsync(string owner, FileEntry file, TransferPart part, string bytesPath, Action<long> arrived, CancellationToken cancellation)
    {
        if (part.Length == 0) return;
        await using FileStream stream = new(bytesPath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0, FileOptions.Asynchronous);
        DownloadArtifactRequest request = new() { Owner = owner, Path = file.Path, Offset = part.Offset, Length = part.Length, IfSha256 = file.Sha256 };
        using AsyncServerStreamingCall<DownloadArtifactResponse> call = host.Artifacts.DownloadArtifact(request, cancellationToken: cancellation);
        long end = part.Offset;
        await foreach (DownloadArtifactResponse chunk in call.ResponseStream.ReadAllAsync(cancellation))
        {
            if (chunk.Data.Length == 0) continue;
            if (chunk.Offset != end || chunk.Offset + chunk.Data.Length > part.Offset + part.Length) throw new CliException(ExitCode.Failed, $"{file.Path}: the host sent bytes that were not asked for.");
            stream.Seek(chunk.Offset, SeekOrigin.Begin);
            await stream.WriteAsync(chunk.Data.Memory, cancellation);
            end += chunk.Data.Length;
            arrived(chunk.Data.Length);
        }
        if (end != part.Offset + part.Length) throw new RpcException(new Status(StatusCode.Unavailable, $"{file.Path}: the stream ended early, at byte {end}."));
        stream.Flush(flushToDisk: true);
    }
}
