using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>Somebody who looks at a dashboard that shows one daemon: signed in, with a browser profile of his own.</summary>
internal sealed class Visit : IAsyncDisposable
{
    private Visit(Dashboard dashboard, IBrowserContext browser, IPage page) => (Dashboard, Browser, Page) = (dashboard, browser, page);

    public Dashboard Dashboard { get; }

    public IBrowserContext Browser { get; }

    public IPage Page { get; }

    /// <summary>Starts the daemon, too.</summary>
    public static async Task<Visit> BeginAsync(Chromium chromium, FakeDaemon daemon, string path = "/", bool phone = false)
    {
        await daemon.StartAsync();
        return await BeginAsync(chromium, daemon.Address, FakeDaemon.Token, path, phone);
    }

    public static Task<Visit> BeginAsync(Chromium chromium, ServerProcess server, string path = "/") => BeginAsync(chromium, server.Address, server.Token, path, phone: false);

    public async ValueTask DisposeAsync()
    {
        await Browser.DisposeAsync();
        await Dashboard.DisposeAsync();
    }

    private static async Task<Visit> BeginAsync(Chromium chromium, string daemon, string token, string path, bool phone)
    {
        IBrowserContext browser = phone ? await chromium.OpenAsync(width: 390, height: 844) : await chromium.OpenAsync();
        Visit visit = new(await Dashboard.StartAsync(("local", daemon)), browser, await browser.NewPageAsync());
        await visit.Page.SignInAsync(visit.Dashboard, token, path);
        return visit;
    }
}
