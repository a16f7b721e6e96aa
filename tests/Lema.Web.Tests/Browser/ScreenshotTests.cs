using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>Writes docs/screenshots from a real daemon that trains lema-tiny. Runs where LEMA_SCREENSHOTS names the folder.</summary>
[Collection(Chromium.Collection)]
public sealed class ScreenshotTests(Chromium chromium)
{
    private const int Phone = 390;

    [Fact]
    public async Task EveryPage_DarkAndLight_WideAndNarrow()
    {
        string? folder = Environment.GetEnvironmentVariable("LEMA_SCREENSHOTS");
        if (string.IsNullOrEmpty(folder)) Assert.Skip("Set LEMA_SCREENSHOTS to the folder for the screenshots.");
        await using ServerProcess server = await ServerProcess.StartNewAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", server.Address), ("gpu01", "http://127.0.0.1:1"));
        (string first, string second) = await TrainAsync(server, dashboard);
        (string Name, string Path)[] pages =
        [
            ("run", $"/hosts/local/runs/{second}"), ("pipeline", $"/hosts/local/runs/{second}?tab=pipeline"), ("runs", "/"), ("compare", $"/compare?run=local%2F{first}&run=local%2F{second}"),
            ("replies", $"/hosts/local/runs/{first}?tab=replies"), ("checkpoints", $"/hosts/local/runs/{first}?tab=checkpoints"), ("log", $"/hosts/local/runs/{first}?tab=log"),
            ("settings", $"/hosts/local/runs/{first}?tab=settings"), ("new-run", "/new?host=local"), ("chat", $"/chat?host=local&run={first}"), ("models", "/models"),
            ("model", "/hosts/local/models/lema-tiny"), ("datasets", "/datasets"), ("dataset", "/hosts/local/datasets/facts"), ("hosts", "/hosts"), ("sign-in", "/sign-in"),
        ];
        Directory.CreateDirectory(folder);
        foreach ((int width, bool dark) in new[] { (1440, false), (1440, true), (Phone, false), (Phone, true) })
        {
            await using IBrowserContext browser = await chromium.OpenAsync(width, HeightFor(width), dark);
            await browser.AddCookiesAsync([new Cookie { Name = "lema-theme", Value = dark ? "dark" : "light", Url = dashboard.Address }]);
            IPage page = await browser.NewPageAsync();
            await page.SignInAsync(dashboard, server.Token, "/sign-in?host=local");
            foreach ((string name, string path) in pages)
            {
                await page.SetViewportSizeAsync(width, HeightFor(width));
                await page.GotoAsync(dashboard.Address + path);
                await page.Locator("main h1").First.WaitForAsync();
                await Assertions.Expect(page.Locator(".skeleton")).ToHaveCountAsync(0, new() { Timeout = PageSteps.Long });
                if (name == "chat") await page.AskAsync("What is the capital of Kenya?");
                if (name is "run" or "compare") await page.WaitForPointsAsync(2);
                // The whole page in one picture, with what is fixed to the window's edge in its place.
                int height = await page.EvaluateAsync<int>("() => document.documentElement.scrollHeight");
                await page.SetViewportSizeAsync(width, Math.Clamp(height, HeightFor(width), 2400));
                await page.WaitForFunctionAsync("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))");
                await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-{width}-{(dark ? "dark" : "light")}.png") });
            }
        }
    }

    /// <summary>One run that is complete, and one that goes on while the pictures are taken.</summary>
    private async Task<(string First, string Second)> TrainAsync(ServerProcess server, Dashboard dashboard)
    {
        await using IBrowserContext browser = await chromium.OpenAsync();
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(dashboard, server.Token, "/sign-in?host=local&returnUrl=/datasets");
        await page.BuildDatasetAsync("facts", rows: 5000, host: "local");
        await page.StartRunAsync("facts-200", steps: 200, checkpointEvery: 50, evaluateEvery: 50);
        await page.Locator("h1 ~ [data-state=Completed]").WaitForAsync(new() { Timeout = 5 * PageSteps.Long });
        string first = new Uri(page.Url).Segments[^1];
        await page.GotoAsync(dashboard.Address + "/datasets");
        await page.StartRunAsync("facts-long", steps: 5000, checkpointEvery: 100, evaluateEvery: 100);
        await page.WaitForPointsAsync(60);
        return (first, new Uri(page.Url).Segments[^1]);
    }

    private static int HeightFor(int width) => width == Phone ? 844 : 900;
}
