using System.Net;
using Lema.Web.Hosting;
using Lema.Web.SignIn;
using Lema.Web.Tests.Fakes;

namespace Lema.Web.Tests.Hosting;

/// <summary>What the dashboard refuses, over a real socket.</summary>
public sealed class RequestGuardTests
{
    [Fact(DisplayName = "browser: headers")]
    public async Task Get_Anonymous_LeadsToSignInWithEveryHeader()
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        using HttpClient client = Client(dashboard);
        using HttpResponseMessage page = await client.GetAsync("/hosts/local/runs/1");
        using HttpResponseMessage signIn = await client.GetAsync("/sign-in");

        Assert.Equal(HttpStatusCode.Redirect, page.StatusCode);
        Assert.Contains("/sign-in?returnUrl=%2Fhosts%2Flocal%2Fruns%2F1", page.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.Equal(SecurityHeaders.ContentSecurityPolicy, Assert.Single(signIn.Headers.GetValues("Content-Security-Policy")));
        Assert.Equal("DENY", Assert.Single(signIn.Headers.GetValues("X-Frame-Options")));
    }

    [Fact(DisplayName = "browser: a link from another site")]
    public async Task Get_LinkFromAnotherSite_IsSentToTheSameAddressOnceMore()
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        using HttpClient client = Client(dashboard);
        client.DefaultRequestHeaders.Add("Sec-Fetch-Site", "cross-site");
        client.DefaultRequestHeaders.Add("Sec-Fetch-Mode", "navigate");
        using HttpResponseMessage answer = await client.GetAsync("/hosts/local/runs/1");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("http-equiv=\"refresh\" content=\"0\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory(DisplayName = "browser: another origin")]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    public async Task Negotiate_FromAnotherOrigin_IsForbidden(string origin)
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        using HttpClient client = Client(dashboard);
        using HttpRequestMessage request = new(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1");
        request.Headers.Add("Origin", origin);
        using HttpResponseMessage answer = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact(DisplayName = "browser: another host name")]
    public async Task Get_AnotherHostName_IsRefused()
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        using HttpClient client = Client(dashboard);
        client.DefaultRequestHeaders.Host = "rebound.example";
        using HttpResponseMessage answer = await client.GetAsync("/sign-in");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact(DisplayName = "browser: antiforgery")]
    public async Task Post_WithoutAntiforgeryToken_IsRefused()
    {
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", "http://127.0.0.1:1"));
        using HttpClient client = Client(dashboard);
        using FormUrlEncodedContent form = new(new Dictionary<string, string> { ["_handler"] = "sign-in", ["Form.Host"] = "local", ["Form.Token"] = FakeDaemon.Token });
        using HttpResponseMessage answer = await client.PostAsync("/sign-in", form);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.DoesNotContain(answer.Headers, header => header.Key == "Set-Cookie" && header.Value.Any(value => value.StartsWith(SignInRegistration.CookieName, StringComparison.Ordinal)));
    }

    [Theory(DisplayName = "browser: return address")]
    [InlineData("/chat?host=a", "/chat?host=a")]
    [InlineData("//evil.example", "/")]
    [InlineData("/\\evil.example", "/")]
    [InlineData("https://evil.example", "/")]
    [InlineData(null, "/")]
    public void LocalPath_AnyReturnUrl_StaysHere(string? url, string expected) => Assert.Equal(expected, SignInEndpoints.LocalPath(url));

    private static HttpClient Client(Dashboard dashboard) => new(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(dashboard.Address) };
}
