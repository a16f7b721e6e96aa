using Google.Protobuf;
using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Polly;

namespace Lema.Cli.Transfers;

/// <summary>
/// Brings a folder or a file to a host: hashed first, then only what the host does not have yet, in parallel parts. Started again after a break
/// it goes on where it was.
/// </summary>
internal sealed class Uploader(HostConnection host, Output output, TimeProvider clock)
{
    // What a break can lose of each call: a second or two of a slow line.
    private const int ChunkBytes = 256 << 10;

    // A chunk takes seconds on a slow line; a line on which nothing moves for this long is broken, whatever its ends believe.
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    /// <param name="name">What it will be called on the host.</param>
    /// <param name="path">Folder, or a single file.</param>
    /// <exception cref="CliException">There is nothing at <paramref name="path"/>.</exception>
    public async Task<CommitUploadResponse> UploadAsync(UploadKind kind, string name, string path, bool overwrite, CancellationToken cancellation)
    {
        IReadOnlyList<(string FullName, FileEntry Entry)> files = LocalFolder.Files(path);
        await HashAsync(files, cancellation);
        ResiliencePipeline retry = CallRetry.InTransfer(output.Note);
        BeginUploadRequest begin = new() { Kind = kind, Name = name, Overwrite = overwrite };
        begin.Files.AddRange(files.Select(f => f.Entry));
        Upload upload = await retry.ExecuteAsync(async token => await host.Artifacts.BeginUploadAsync(begin, cancellationToken: token), cancellation);
        if (upload.ReceivedBytes > 0) output.Note($"Going on with an upload that was broken off: {Quantity.Bytes(upload.ReceivedBytes)} are there already.");
        await SendAsync(upload, files.ToDictionary(f => f.Entry.Path, f => f.FullName, StringComparer.Ordinal), retry, cancellation);
        CommitUploadRequest commit = new() { UploadId = upload.Id };
        commit.Files.AddRange(files.Select(f => f.Entry));
        return await CommitAsync(commit, begin, retry, cancellation);
    }

    /// <summary>The host reads everything once more, which takes a while: where the line breaks meanwhile, the answer is asked for again.</summary>
    private async Task<CommitUploadResponse> CommitAsync(CommitUploadRequest commit, BeginUploadRequest begun, ResiliencePipeline retry, CancellationToken cancellation)
    {
        bool isAgain = false;
        return await retry.ExecuteAsync(async attempt =>
        {
            try
            {
                return await host.Artifacts.CommitUploadAsync(commit, cancellationToken: attempt);
            }
            catch (RpcException gone) when (isAgain && gone.StatusCode == StatusCode.NotFound)
            {
                // The upload is what it was to become already, and only the answer was lost; else this call fails.
                await host.Artifacts.ListArtifactsAsync(new ListArtifactsRequest { Owner = $"{begun.Kind.ToString().ToLowerInvariant()}/{begun.Name}" }, cancellationToken: attempt);
                return new CommitUploadResponse { Kind = begun.Kind, Name = begun.Name };
            }
            finally
            {
                isAgain = true;
            }
        }, cancellation);
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
            long counted = 0;
            bool isAgain = false;
            void Count(long bytes)
            {
                counted += bytes;
                progress.Add(bytes);
            }
            await retry.ExecuteAsync(async attempt =>
            {
                TransferPart[] missing = isAgain ? await MissingAsync(upload.Id, part, attempt) : [part];
                isAgain = true;
                Count(part.Length - missing.Sum(m => m.Length) - counted);
                foreach (TransferPart piece in missing) await SendPartAsync(upload.Id, piece, sources[part.Path], Count, attempt);
            }, token);
        });
        progress.End();
    }

    /// <summary>What the host has not received of a part whose call broke off.</summary>
    private async Task<TransferPart[]> MissingAsync(string uploadId, TransferPart part, CancellationToken cancellation)
    {
        Upload now = await host.Artifacts.GetUploadAsync(new GetUploadRequest { UploadId = uploadId }, cancellationToken: cancellation);
        return [.. part.Without(now.Files.Single(f => f.Path == part.Path).Received.Select(r => (r.Offset, r.Length)))];
    }

    /// <exception cref="RpcException">The line broke, or nothing moved for <see cref="Idle"/>: then it is unavailable, and may be tried again.</exception>
    private async Task SendPartAsync(string uploadId, TransferPart part, string source, Action<long> sent, CancellationToken cancellation)
    {
        using CancellationTokenSource idle = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            await SendPartAsync(uploadId, part, source, sent, idle);
        }
        catch (Exception failure) when (idle.IsCancellationRequested && !cancellation.IsCancellationRequested && failure is RpcException or OperationCanceledException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, $"Nothing moved for {Idle.TotalSeconds:0} s.", failure));
        }
    }

    private async Task SendPartAsync(string uploadId, TransferPart part, string source, Action<long> sent, CancellationTokenSource idle)
    {
        CancellationToken cancellation = idle.Token;
        idle.CancelAfter(Idle);
        await using FileStream stream = new(source, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
        stream.Seek(part.Offset, SeekOrigin.Begin);
        using AsyncClientStreamingCall<WriteUploadRequest, Upload> call = host.Artifacts.WriteUpload(cancellationToken: cancellation);
        byte[] buffer = new byte[ChunkBytes];
        for (long done = 0; done < part.Length;)
        {
            int count = (int)Math.Min(ChunkBytes, part.Length - done);
            await stream.ReadExactlyAsync(buffer.AsMemory(0, count), cancellation);
            WriteUploadRequest chunk = new() { UploadId = uploadId, Path = part.Path, Offset = part.Offset + done, Data = ByteString.CopyFrom(buffer, 0, count) };
            if (!await call.TrySendAsync(chunk, cancellation)) break;
            idle.CancelAfter(Idle);
            done += count;
            sent(count);
        }
        await call.CompleteAsync();
    }
}
