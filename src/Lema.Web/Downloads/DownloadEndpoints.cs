using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Lema.Web.SignIn;

namespace Lema.Web.Downloads;

/// <summary>Files of a run or a model as one .zip, streamed from the daemon as the browser takes it.</summary>
public static class DownloadEndpoints
{
    public static void MapDownloads(this WebApplication app) => app.MapGet("/hosts/{host}/files/{kind}/{name}", DownloadAsync);

    private static async Task<IResult> DownloadAsync(string host, string kind, string name, string? folder, HttpContext context, HostDirectory directory, ConnectionPool pool)
    {
        if (directory.Find(host) is not { } endpoint) return Results.NotFound($"There is no host {host}.");
        if (context.User.TokenFor(host) is not { } token) return Results.LocalRedirect($"/sign-in?host={Uri.EscapeDataString(host)}");
        string owner = $"{kind}/{name}";
        string prefix = string.IsNullOrEmpty(folder) ? "" : folder.TrimEnd('/') + "/";
        ConnectionLease lease = pool.Lease(endpoint, token);
        try
        {
            ListArtifactsResponse list = await lease.Connection.Artifacts.ListArtifactsAsync(
                new ListArtifactsRequest { Owner = owner }, deadline: DaemonConnection.Soon, cancellationToken: context.RequestAborted);
            FileEntry[] files = [.. list.Files.Where(file => file.Path.StartsWith(prefix, StringComparison.Ordinal))];
            if (files.Length == 0)
            {
                await lease.DisposeAsync();
                return Results.NotFound($"{owner} has no files{(prefix.Length > 0 ? " below " + prefix : "")}.");
            }
            return new FolderDownload(lease, owner, prefix, files);
        }
        catch (RpcException failed)
        {
            await lease.DisposeAsync();
            return Results.Problem(Failure.From(failed).Message, statusCode: failed.StatusCode is StatusCode.NotFound ? 404 : 502);
        }
    }
}
