using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Fakes;

/// <summary>Files in memory, with connections that break where a test wants them to.</summary>
internal sealed class FakeArtifacts : Artifacts.ArtifactsBase
{
    private const int ChunkBytes = 1 << 20;

    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Calls that break off after their first chunk, with a line that they share: none before all of them are there.</summary>
    public int BreakNextCalls { get; set; }

    /// <summary>Whether the line breaks after the commit, and the upload is no more when the client asks again.</summary>
    public bool LoseAnswerOfCommit { get; set; }

    public bool DamageDownloads { get; set; }

    /// <summary>Whether a list carries no SHA-256, as that of a daemon which has not read the files yet.</summary>
    public bool ListWithoutHashes { get; set; }

    /// <summary>Whether no owner is known.</summary>
    public bool Unknown { get; set; }

    public BeginUploadRequest? Begun { get; private set; }

    public Dictionary<string, byte[]> Uploaded { get; } = new(StringComparer.Ordinal);

    public List<(string Path, long Offset, long Length)> Written { get; } = [];

    public List<DownloadArtifactRequest> Downloads { get; } = [];

    public CommitUploadRequest? Committed { get; private set; }

    public AbortUploadRequest? Aborted { get; private set; }

    public Upload State { get; set; } = new() { Id = "u1" };

    public override Task<ListArtifactsResponse> ListArtifacts(ListArtifactsRequest request, ServerCallContext context)
    {
        if (Unknown) throw new RpcException(new Status(StatusCode.NotFound, $"There is no {request.Owner}."));
        ListArtifactsResponse answer = new();
        answer.Files.AddRange(Files.Select(f => new FileEntry { Path = f.Key, SizeBytes = f.Value.Length, Sha256 = ListWithoutHashes ? "" : Convert.ToHexStringLower(SHA256.HashData(f.Value)) }));
        return Task.FromResult(answer);
    }

    public override async Task DownloadArtifact(DownloadArtifactRequest request, IServerStreamWriter<DownloadArtifactResponse> responseStream, ServerCallContext context)
    {
        byte[] bytes = Files[request.Path];
        lock (_lock) Downloads.Add(request);
        long end = request.Length == 0 ? bytes.Length : request.Offset + request.Length;
        for (long at = request.Offset; at < end; at += ChunkBytes)
        {
            int count = (int)Math.Min(ChunkBytes, end - at);
            byte[] chunk = bytes.AsSpan((int)at, count).ToArray();
            if (DamageDownloads) chunk[0] ^= 1;
            await responseStream.WriteAsync(new DownloadArtifactResponse { Offset = at, Data = ByteString.CopyFrom(chunk) });
            await BreakIfWantedAsync();
        }
        await responseStream.WriteAsync(new DownloadArtifactResponse { Offset = end, Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) });
    }

    public override Task<Upload> BeginUpload(BeginUploadRequest request, ServerCallContext context)
    {
        Begun = request;
        foreach (FileEntry file in request.Files)
        {
            if (State.Files.All(f => f.Path != file.Path)) State.Files.Add(new UploadFile { Path = file.Path, SizeBytes = file.SizeBytes });
            Uploaded.TryAdd(file.Path, new byte[file.SizeBytes]);
        }
        return Task.FromResult(State);
    }

    public override Task<Upload> GetUpload(GetUploadRequest request, ServerCallContext context)
    {
        lock (_lock)
        {
            foreach (UploadFile file in State.Files)
            {
                file.Received.Clear();
                file.Received.AddRange(Written.Where(w => w.Path == file.Path).OrderBy(w => w.Offset).Select(w => new ByteRange { Offset = w.Offset, Length = w.Length }));
            }
            return Task.FromResult(State.Clone());
        }
    }

    public override async Task<Upload> WriteUpload(IAsyncStreamReader<WriteUploadRequest> requestStream, ServerCallContext context)
    {
        await foreach (WriteUploadRequest chunk in requestStream.ReadAllAsync())
        {
            lock (_lock)
            {
                chunk.Data.Span.CopyTo(Uploaded[chunk.Path].AsSpan((int)chunk.Offset));
                Written.Add((chunk.Path, chunk.Offset, chunk.Data.Length));
            }
            await BreakIfWantedAsync();
        }
        return State;
    }

    public override Task<CommitUploadResponse> CommitUpload(CommitUploadRequest request, ServerCallContext context)
    {
        if (LoseAnswerOfCommit && Committed is not null) throw new RpcException(new Status(StatusCode.NotFound, "There is no such upload."));
        Committed = request;
        foreach (FileEntry file in request.Files)
        {
            if (Convert.ToHexStringLower(SHA256.HashData(Uploaded[file.Path])) != file.Sha256) throw new RpcException(new Status(StatusCode.DataLoss, $"{file.Path} is damaged."));
        }
        if (LoseAnswerOfCommit) throw new RpcException(new Status(StatusCode.Unavailable, "The line broke."));
        return Task.FromResult(new CommitUploadResponse { Kind = UploadKind.Model, Name = "uploaded" });
    }

    public override Task<AbortUploadResponse> AbortUpload(AbortUploadRequest request, ServerCallContext context)
    {
        if (Unknown) throw new RpcException(new Status(StatusCode.NotFound, "There is no such upload."));
        Aborted = request;
        return Task.FromResult(new AbortUploadResponse { Uploads = 1, ReceivedBytes = State.ReceivedBytes });
    }

    private async Task BreakIfWantedAsync()
    {
        lock (_lock)
        {
            if (BreakNextCalls == 0) return;
            if (--BreakNextCalls == 0) _broken.SetResult();
        }
        await _broken.Task;
        throw new RpcException(new Status(StatusCode.Unavailable, "The line broke."));
    }
}
