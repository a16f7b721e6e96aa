using System.IO.Compression;
using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Lema.Web.Downloads;

/// <summary>Writes files of the daemon into a .zip while they arrive; nothing is kept. Weights do not compress, so they are stored as they are.</summary>
/// <param name="prefix">Left off the names in the .zip; ends with '/', or is empty.</param>
public sealed class FolderDownload(ConnectionLease lease, string owner, string prefix, IReadOnlyList<FileEntry> files) : IResult
{
    public async Task ExecuteAsync(HttpContext context)
    {
        await using ConnectionLease held = lease;
        string name = (owner.Split('/')[^1] + (prefix.Length > 0 ? "-" + prefix.TrimEnd('/').Split('/')[^1] : "")) + ".zip";
        ContentDispositionHeaderValue disposition = new("attachment");
        disposition.SetHttpFileName(name);
        context.Response.ContentType = "application/zip";
        context.Response.Headers.ContentDisposition = disposition.ToString();
        // The archive writes the few bytes after each entry synchronously, also where it is disposed of asynchronously.
        context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
        await using ZipArchive zip = await ZipArchive.CreateAsync(context.Response.Body, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, context.RequestAborted);
        foreach (FileEntry file in files)
        {
            ZipArchiveEntry entry = zip.CreateEntry(file.Path[prefix.Length..], CompressionLevel.NoCompression);
            await using Stream stream = await entry.OpenAsync(context.RequestAborted);
            await CopyAsync(file, stream, context.RequestAborted);
        }
    }

    private async Task CopyAsync(FileEntry file, Stream target, CancellationToken cancellation)
    {
        DownloadArtifactRequest request = new() { Owner = owner, Path = file.Path, IfSha256 = file.Sha256 };
        using AsyncServerStreamingCall<DownloadArtifactResponse> call = lease.Connection.Artifacts.DownloadArtifact(request, cancellationToken: cancellation);
        await foreach (DownloadArtifactResponse chunk in call.ResponseStream.ReadAllAsync(cancellation)) await target.WriteAsync(chunk.Data.Memory, cancellation);
    }
}
