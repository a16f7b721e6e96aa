using System.Net;
using System.Net.WebSockets;
using System.Text.RegularExpressions;
using Lema.Web.Tests.Fakes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.StaticAssets;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Web.Tests.Hosting;

/// <summary>Everything that the dashboard's routing knows, asked for by someone who has not signed in.</summary>
public sealed partial class AnonymousTests
{
    private static readonly string[] AnyMethod = ["GET", "POST"];

    [Fact(DisplayName = "authentication: every page, hub and endpoint of the dashboard")]
    public async Task EveryEndpoint_WithoutSigningIn_IsRefusedButTheSignInPageAndItsFiles()
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        using HttpClient client = Client(dashboard);
        RouteEndpoint[] endpoints = [.. dashboard.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().Where(endpoint => endpoint.RoutePattern.RawText is not null)];
        SortedSet<string> refused = new(StringComparer.Ordinal), open = new(StringComparer.Ordinal);
        foreach (RouteEndpoint endpoint in endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<StaticAssetDescriptor>() is null))
        {
            string path = "/" + endpoint.RoutePattern.RawText!.TrimStart('/');
            foreach (string method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? AnyMethod)
            {
                using HttpRequestMessage request = new(new HttpMethod(method), Parameter().Replace(path, "local"));
                using HttpResponseMessage answer = await client.SendAsync(request);
                (IsRefusal(answer) ? refused : open).Add(path);
                Assert.DoesNotContain(answer.Headers, header => header.Key == "Set-Cookie" && header.Value.Any(value => value.StartsWith("lema-session", StringComparison.Ordinal)));
            }
        }
        Assert.Equal(["/sign-in"], open.Except(refused));
        Assert.Superset(new HashSet<string> { "/", "/chat", "/hosts/{Host}/runs/{Run}", "/hosts/{host}/files/{kind}/{name}", "/sign-out", "/_blazor", "/_blazor/negotiate" }, refused);
    }

    /// <summary>Files of the program, the same for everybody: styles, scripts, fonts, the icon.</summary>
    [Fact]
    public async Task StaticFiles_AreThoseOfTheProgramAndNothingElseIsAnonymous()
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        IEnumerable<Endpoint> anonymous = dashboard.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).Where(endpoint => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null);
        string[] kinds = [.. anonymous.OfType<RouteEndpoint>().Where(endpoint => endpoint.Metadata.GetMetadata<StaticAssetDescriptor>() is not null)
            .Select(endpoint => Path.GetExtension(endpoint.RoutePattern.RawText!.Replace(".gz", "", StringComparison.Ordinal).Replace(".br", "", StringComparison.Ordinal))).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal([".css", ".js", ".map", ".svg", ".txt", ".woff2"], kinds);
        Assert.Equal(["/sign-in"], anonymous.OfType<RouteEndpoint>().Where(endpoint => endpoint.Metadata.GetMetadata<StaticAssetDescriptor>() is null).Select(endpoint => endpoint.RoutePattern.RawText!).Distinct());
    }

    [Fact]
    public async Task Hub_WebSocketWithoutSigningIn_IsRefused()
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        using ClientWebSocket socket = new();
        socket.Options.CollectHttpResponseDetails = true;
        using HttpMessageInvoker direct = new(new SocketsHttpHandler { AllowAutoRedirect = false });
        Uri hub = new(dashboard.Address.Replace("http:", "ws:", StringComparison.Ordinal) + "/_blazor");
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(hub, direct, CancellationToken.None));
        Assert.Equal(HttpStatusCode.Redirect, socket.HttpStatusCode);
    }

    [Theory]
    [InlineData("/nowhere")]
    [InlineData("/hosts/local/files/run/1/../../../../etc/passwd")]
    public async Task Get_NoSuchPlace_TellsNothing(string path)
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        using HttpClient client = Client(dashboard);
        using HttpResponseMessage answer = await client.GetAsync(path);
        Assert.True(IsRefusal(answer), $"{path}: {answer.StatusCode}");
    }

    /// <summary>A cookie that this dashboard has not written is none.</summary>
    [Fact]
    public async Task Get_CookieOfAnotherDashboardOrMadeUp_IsRefused()
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        using HttpClient client = Client(dashboard);
        client.DefaultRequestHeaders.Add("Cookie", "lema-session=CfDJ8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        using HttpResponseMessage answer = await client.GetAsync("/hosts/local/files/run/1");
        Assert.True(IsRefusal(answer), answer.StatusCode.ToString());
    }

    /// <summary>Sent to the sign-in page, or told that it may not.</summary>
    private static bool IsRefusal(HttpResponseMessage answer) =>
        answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
        || (answer.StatusCode is HttpStatusCode.Redirect && new Uri(new Uri("http://here"), answer.Headers.Location!).AbsolutePath == "/sign-in");

    private static HttpClient Client(Dashboard dashboard) => new(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(dashboard.Address) };

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
