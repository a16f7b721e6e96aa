using System.Net;
using System.Net.Http.Headers;
using Lema.Server.Security;
using Lema.Server.Tests.Fakes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

/// <summary>Everything that the daemon's routing knows, without and with a token, at both kinds of address.</summary>
public sealed class HttpEndpointTests
{
    [Fact(DisplayName = "authentication: every endpoint of the routing")]
    public async Task EveryEndpoint_WithoutAToken_IsRefusedButLiveness()
    {
        await using TestDaemon daemon = await StartAsync();
        RouteEndpoint[] endpoints = [.. daemon.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()];
        string[] paths = [.. endpoints.Select(endpoint => "/" + endpoint.RoutePattern.RawText!.TrimStart('/')).Distinct()];
        Assert.Contains("/metrics", paths);
        Assert.Contains("/lema.v1.Training/StartRun", paths);
        List<string> open = [];
        foreach (Uri address in daemon.Addresses)
            foreach (string path in paths)
            {
                daemon.Services.GetRequiredService<FailureLimiter>().Forgive();
                HttpStatusCode status = await StatusAsync(address, path, token: null);
                if (status == HttpStatusCode.OK) open.Add(path);
                else Assert.True(status == HttpStatusCode.Unauthorized, $"{address} {path}: {status}");
            }
        Assert.Equal([Authentication.LivenessPath], open.Distinct());
    }

    [Fact]
    public async Task Metrics_WithATokenInTheHeader_AreServedAndWithOneInTheAddressAreNot()
    {
        await using TestDaemon daemon = await StartAsync();
        Uri http = daemon.Addresses[1];
        string token = File.ReadAllText(Path.Combine(daemon.Folder, "admin.token")).Trim();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, "/metrics", token));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(http, $"/metrics?access_token={token}", token: null));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(http, "/nowhere", token: null));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(http, "/nowhere", token));
    }

    [Fact]
    public async Task Audit_OfAnAddressThatGoesOnGuessing_DoesNotGrow()
    {
        await using TestDaemon daemon = await StartAsync();
        for (int i = 0; i < 30; i++) await StatusAsync(daemon.Addresses[1], "/metrics", "lema_guess");
        using FileStream stream = new(Path.Combine(daemon.Folder, "audit.jsonl"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        string[] lines = (await new StreamReader(stream).ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(11, lines.Length);
        Assert.Contains("ResourceExhausted", lines[^1], StringComparison.Ordinal);
    }

    private static Task<TestDaemon> StartAsync() => TestDaemon.StartAsync(change: options => options with { HttpUrls = [new Uri("http://127.0.0.1:0")] });

    private static async Task<HttpStatusCode> StatusAsync(Uri address, string path, string? token)
    {
        using HttpClient client = new();
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(address, path)) { VersionPolicy = HttpVersionPolicy.RequestVersionExact, Version = new Version(2, 0) };
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        try
        {
            using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            // The other kind of address.
            using HttpRequestMessage again = new(HttpMethod.Get, request.RequestUri) { Version = new Version(1, 1), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            again.Headers.Authorization = request.Headers.Authorization;
            using HttpResponseMessage response = await client.SendAsync(again, HttpCompletionOption.ResponseHeadersRead);
            return response.StatusCode;
        }
    }
}
