using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>Every page through axe: nothing serious or critical, and nothing wider than the screen. Each width and each theme once; all pairs where LEMA_LONG_TESTS is set.</summary>
[Collection(Chromium.Collection)]
public sealed class AccessibilityTests(Chromium chromium)
{
    private static readonly string[] Pages =
    [
        "/", "/hosts/local/runs/01RUN", "/hosts/local/runs/01RUN?tab=pipeline", "/hosts/local/runs/01RUN?tab=replies", "/hosts/local/runs/01RUN?tab=checkpoints",
        "/hosts/local/runs/01RUN?tab=log", "/hosts/local/runs/01RUN?tab=settings", "/new?host=local", "/chat?host=local&run=01RUN", "/models", "/hosts/local/models/lema-tiny",
        "/datasets", "/hosts/local/datasets/facts", "/hosts", "/compare?run=local%2F01RUN", "/sign-in", "/nowhere",
    ];

    [Theory]
    [InlineData(1440, false)]
    [InlineData(1440, true)]
    [InlineData(390, false)]
    [InlineData(390, true)]
    public async Task EveryPage_Axe_FindsNothingSerious(int width, bool dark)
    {
        bool isEveryday = width > 1000 != dark;
        if (!isEveryday && Environment.GetEnvironmentVariable("LEMA_LONG_TESTS") != "1") Assert.Skip("The other two pairs of width and theme show the same pages; set LEMA_LONG_TESTS=1 for all four.");
        await using FakeDaemon daemon = Example.Daemon();
        await daemon.StartAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", daemon.Address), ("gpu01", "http://127.0.0.1:1"));
        await using IBrowserContext browser = await chromium.OpenAsync(width, dark: dark);
        await browser.AddCookiesAsync([new Cookie { Name = "lema-theme", Value = dark ? "dark" : "light", Url = dashboard.Address }]);
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(dashboard, path: "/sign-in?host=local");

        List<string> findings = [];
        foreach (string path in Pages)
        {
            await page.GotoAsync(dashboard.Address + path);
            await page.Locator("main h1").First.WaitForAsync();
            await Assertions.Expect(page.Locator(".skeleton")).ToHaveCountAsync(0);
            AxeResult result = await page.RunAxe();
            foreach (AxeResultItem item in result.Violations.Where(item => item.Impact is "serious" or "critical"))
            {
                findings.Add($"{path}: {item.Id} ({item.Impact}): {string.Join(" | ", item.Nodes.Take(3).Select(node => node.Html))}");
            }
            int overflow = await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
            if (overflow > 0) findings.Add($"{path}: the page is {overflow} pixels wider than the screen of {width}");
        }
        Assert.Empty(findings);
    }
}
