using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Polly;

namespace Lema.Cli.Transfers;

/// <summary>
/// Brings a folder or a file to a host: hashed first, then only what the host does not have yet, in parallel parts. Started again after a break
/// it goes on where it was.
/// </summary>
internal sealed class Uploader(HostConnection host, Output output, TimeProvider clock)
{
    private const int ChunkBytes = 1 << 20;

    /// <param name="name">What it will be called on the host.</param>
    /// <param name="path">Folder, or a single file.</param>
    /// <exception cref="CliException">There is nothing at <paramref name="path"/>.</exception>
    public async Task<CommitUploadResponse> UploadAsync(UploadKind kind, string name, string path, bool overwrite, CancellationToken cancellation)
    {
        IReadOnlyList<(string FullName, FileEntry Entry)> files = LocalFolder.Files(path);
        await HashAsync(files, cancellation);
        ResiliencePipeline retry = CallRetry.Create(output.Note, refusedToo: true);
        BeginUploadRequest begin = new() { Kind = kind, Name = name, Overwrite = overwrite };
        begin.Files.AddRange(files.Select(f => f.Entry));
        Upload upload = await retry.ExecuteAsync(async token => await host.Artifacts.BeginUploadAsync(begin, cancellationToken: token), cancellation);
        if (upload.ReceivedBytes > 0) output.Note($"Going on with an upload that was broken off: {Quantity.Bytes(upload.ReceivedBytes)} are there already.");
        await SendAsync(upload, files.ToDictionary(f => f.Entry.Path, f => f.FullName, StringComparer.Ordinal), retry, cancellation);
        CommitUploadRequest commit = new() { UploadId = upload.Id };
        commit.Files.AddRange(files.Select(f => f.Entry));
        return await host.Artifacts.CommitUploadAsync(commit, cancellationToken: cancellation);
    }

    private async Task HashAsync(IReadOnlyList<(string FullName, FileEntry Entry)> files, CancellationToken cancellation)
    {
        TransferProgress progress = new(output, clock, "hashing", files.Sum(f => f.Entry.SizeBytes));
        await Parallel.ForEachAsync(files, cancellation, async (file, token) => file.Entry.Sha256 = await LocalFolder.HashAsync(file.FullName, progress.Add, token));
        progress.End();
    }

    private async Task SendAsync(Upload upload, Dictionary<string, string> sources, ResiliencePipeline retry, CancellationToken cancellation)
    {
        TransferPart[] parts = [.. upload.Files.SelectMany(f => TransferPart.Missing(f.Path, f.SizeBytes, f.Received.Select(r => (r.Offset, r.Length))))];
        TransferProgress progress = new(output, clock, "uploading", parts.Sum(p => p.Length));
        await Parallel.ForEachAsync(parts, new ParallelOptions { MaxDegreeOfParallelism = TransferPart.ParallelCalls, CancellationToken = cancellation }, async (part, token) =>
        {
            ConcurrentQueue<long> counted = [];
            await retry.ExecuteAsync(async attempt =>
            {
                while (counted.TryDequeue(out long lost)) progress.Add(-lost);
                await SendPartAsync(upload.Id, part, sources[part.Path], sent =>
                {
                    counted.Enqueue(sent);
                    progress.Add(sent);
                }, attempt);
            }, token);
        });
        progress.End();
    }

    private async Task SendPartAsync(string uploadId, TransferPart part, string source, Action<long> sent, CancellationToken cancellation)
    {
        await using FileStream stream = new(source, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
        stream.Seek(part.Offset, SeekOrigin.Begin);
        using AsyncClientStreamingCall<WriteUploadRequest, Upload> call = host.Artifacts.WriteUpload(cancellationToken: cancellation);
        byte[] buffer = new byte[ChunkBytes];
        try
        {
            for (long done = 0; done < part.Length;)
            {
                int count = (int)Math.Min(ChunkBytes, part.Length - done);
                await stream.ReadExactlyAsync(buffer.AsMemory(0, count), cancellation);
                WriteUploadRequest chunk = new() { UploadId = uploadId, Path = part.Path, Offset = part.Offset + done, Data = ByteString.CopyFrom(buffer, 0, count) };
                if (!await WroteAsync(call, call.RequestStream.WriteAsync(chunk, cancellation))) break;
                done += count;
                sent(count);
            }
            if (!call.ResponseAsync.IsCompleted) await WroteAsync(call, call.RequestStream.CompleteAsync());
        }
        catch (Exception failure) when (failure is InvalidOperationException || failure is IOException and not EndOfStreamException)
        {
            // The daemon ended the call early: the response carries its reason.
        }
        await call.ResponseAsync;
    }

    /// <summary>Waits for a write, or for the response where the daemon ends the call before it: such a write may never end.</summary>
    private static async Task<bool> WroteAsync(AsyncClientStreamingCall<WriteUploadRequest, Upload> call, Task write)
    {
        if (await Task.WhenAny(write, call.ResponseAsync) != write) return false;
        await write;
        return true;
    }
}
