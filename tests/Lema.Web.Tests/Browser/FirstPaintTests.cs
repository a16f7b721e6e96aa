using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>How soon a page paints its first content, and shows its data. Measures, so it runs where LEMA_FIRST_PAINT is set, on a machine that does nothing else.</summary>
[Collection(Chromium.Collection)]
public sealed class FirstPaintTests(Chromium chromium)
{
    private const double Limit = 1000;

    private static readonly string[] Pages =
        ["/", "/hosts/local/runs/01RUN", "/hosts/local/runs/01RUN?tab=pipeline", "/new?host=local", "/chat?host=local&run=01RUN", "/models", "/datasets", "/hosts", "/sign-in"];

    [Fact]
    public async Task EveryPage_FirstContentfulPaint_IsUnderASecond()
    {
        if (Environment.GetEnvironmentVariable("LEMA_FIRST_PAINT") is null) Assert.Skip("Set LEMA_FIRST_PAINT to measure the first paint of every page.");
        await using FakeDaemon daemon = Example.Daemon();
        await daemon.StartAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", daemon.Address));
        List<string> slow = [];
        foreach (bool cold in new[] { true, false })
        {
            await using IBrowserContext kept = await SignedInAsync(dashboard);
            foreach (string path in Pages)
            {
                // Cold: a browser that has never been here, except to sign in.
                await using IBrowserContext? fresh = cold ? await SignedInAsync(dashboard) : null;
                IPage page = await (fresh ?? kept).NewPageAsync();
                if (cold) await (await page.Context.NewCDPSessionAsync(page)).SendAsync("Network.clearBrowserCache");
                await page.GotoAsync(dashboard.Address + path);
                await page.Locator("main h1").First.WaitForAsync();
                await Assertions.Expect(page.Locator(".skeleton")).ToHaveCountAsync(0);
                double complete = await page.EvaluateAsync<double>("() => performance.now()");
                double paint = await page.EvaluateAsync<double>("() => performance.getEntriesByName('first-contentful-paint')[0].startTime");
                TestContext.Current.TestOutputHelper?.WriteLine($"{(cold ? "cold" : "warm")} {path,-40} first paint {paint,5:0} ms, with its data {complete,5:0} ms");
                if (paint > Limit) slow.Add($"{path}: {paint:0} ms");
                await page.CloseAsync();
            }
        }
        Assert.Empty(slow);
    }

    private async Task<IBrowserContext> SignedInAsync(Dashboard dashboard)
    {
        IBrowserContext browser = await chromium.OpenAsync();
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(dashboard);
        await page.CloseAsync();
        return browser;
    }
}
