using Google.Protobuf;
using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Artifacts;
using Lema.Server.Errors;

namespace Lema.Server.Services;

/// <summary>Files, for clients. Made for each call.</summary>
internal sealed class ArtifactsService(ArtifactOwners owners, FileHashes hashes, UploadStore uploads, UploadCommit commit, PatientWriter writer, PatientReader reader) : Protocol.V1.Artifacts.ArtifactsBase
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Bytes a client may write before they are flushed and recorded as arrived.</summary>
    private const long RecordedEvery = 64 << 20;

    public override Task<ListArtifactsResponse> ListArtifacts(ListArtifactsRequest request, ServerCallContext context)
    {
        ListArtifactsResponse response = new();
        response.Files.AddRange(owners.Files(request.Owner).Select(item => new FileEntry
        {
            Path = item.Path, SizeBytes = item.File.Length, Sha256 = hashes.Known(item.File) ?? "", Modified = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(item.File.LastWriteTimeUtc),
        }));
        return Task.FromResult(response);
    }

    public override async Task DownloadArtifact(DownloadArtifactRequest request, IServerStreamWriter<DownloadArtifactResponse> responseStream, ServerCallContext context)
    {
        string path = owners.Find(request.Owner, request.Path);
        string sha256 = await hashes.OfAsync(path, context.CancellationToken);
        if (request.IfSha256.Length > 0 && !string.Equals(request.IfSha256, sha256, StringComparison.OrdinalIgnoreCase))
            throw new ConflictException($"{request.Path} has changed since the download began. Download it from the start.");
        await using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0, FileOptions.Asynchronous);
        if (request.Offset < 0 || request.Offset > file.Length || request.Length < 0) throw new InvalidInputException("request", "offset", $"is not within the file's {file.Length} bytes.");
        long end = request.Length == 0 ? file.Length : Math.Min(file.Length, request.Offset + request.Length);
        file.Position = request.Offset;
        byte[] buffer = new byte[ChunkBytes];
        bool first = true;
        do
        {
            long offset = file.Position;
            int count = await file.ReadAsync(buffer.AsMemory(0, (int)Math.Min(ChunkBytes, end - offset)), context.CancellationToken);
            if (count == 0 && offset < end) throw new StorageException(path, offset, "the file has become shorter.");
            DownloadArtifactResponse response = new() { Offset = offset, Data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, count)) };
            if (first) response.SizeBytes = file.Length;
            if (file.Position >= end) response.Sha256 = sha256;
            await writer.WriteAsync(responseStream, response, context.CancellationToken);
            first = false;
        } while (file.Position < end);
    }

    public override Task<Upload> BeginUpload(BeginUploadRequest request, ServerCallContext context) => Task.FromResult(uploads.Begin(request));

    public override async Task<Upload> WriteUpload(IAsyncStreamReader<WriteUploadRequest> requestStream, ServerCallContext context)
    {
        string? id = null;
        long unrecorded = 0;
        Dictionary<string, ReceivedRanges> written = [];
        try
        {
            await foreach (WriteUploadRequest chunk in reader.ReadAllAsync(requestStream, "What has arrived is kept: begin the upload again, and send the rest.", context.CancellationToken))
            {
                id ??= chunk.UploadId;
                if (chunk.UploadId != id) throw new InvalidInputException("request", "upload_id", "a call writes to one upload.");
                uploads.Write(chunk);
                if (!written.TryGetValue(chunk.Path, out ReceivedRanges? ranges)) written[chunk.Path] = ranges = new ReceivedRanges();
                ranges.Add(chunk.Offset, chunk.Data.Length);
                unrecorded += chunk.Data.Length;
                if (unrecorded < RecordedEvery) continue;
                uploads.Record(id, written);
                written.Clear();
                unrecorded = 0;
            }
        }
        finally
        {
            // Also when the connection broke: what has arrived need not be sent again.
            if (id is not null && written.Count > 0) uploads.Record(id, written);
        }
        return uploads.Get(id ?? throw new InvalidInputException("request", "", "the stream held no chunk."));
    }

    public override Task<Upload> GetUpload(GetUploadRequest request, ServerCallContext context) => Task.FromResult(uploads.Get(request.UploadId));

    public override Task<CommitUploadResponse> CommitUpload(CommitUploadRequest request, ServerCallContext context) => commit.CommitAsync(request);

    public override Task<AbortUploadResponse> AbortUpload(AbortUploadRequest request, ServerCallContext context)
    {
        IReadOnlyList<Upload> all = request.UploadId.Length > 0 ? [uploads.Get(request.UploadId)] : uploads.Of(request.Kind, request.Name);
        foreach (Upload upload in all) uploads.Remove(upload.Id);
        return Task.FromResult(new AbortUploadResponse { Uploads = all.Count, ReceivedBytes = all.Sum(upload => upload.ReceivedBytes) });
    }
}
