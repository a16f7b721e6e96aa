using System.Text.Json;
using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>Writes docs/screenshots from a real daemon that trains lema-tiny. Runs where LEMA_SCREENSHOTS names the folder.</summary>
[Collection(Chromium.Collection)]
public sealed class ScreenshotTests(Chromium chromium)
{
    private const int Wide = 1440;
    private const int Phone = 390;
    private const int Tallest = 3400;
    private const double WeightBudget = 4;

    [Fact]
    public async Task EveryPage_DarkAndLight_WideAndNarrow()
    {
        string? folder = Environment.GetEnvironmentVariable("LEMA_SCREENSHOTS");
        if (string.IsNullOrEmpty(folder)) Assert.Skip("Set LEMA_SCREENSHOTS to the folder for the screenshots.");
        await using ServerProcess server = await ServerProcess.StartNewAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", server.Address), ("gpu01", "http://127.0.0.1:1"));
        (string first, string second, string running) = await TrainAsync(server, dashboard);
        (string Name, string Path)[] pages =
        [
            ("run", $"/hosts/local/runs/{running}"), ("pipeline", $"/hosts/local/runs/{running}?tab=pipeline"), ("runs", "/"), ("compare", $"/compare?run=local%2F{first}&run=local%2F{second}"),
            ("replies", $"/hosts/local/runs/{first}?tab=replies"), ("checkpoints", $"/hosts/local/runs/{first}?tab=checkpoints"), ("log", $"/hosts/local/runs/{first}?tab=log"),
            ("settings", $"/hosts/local/runs/{first}?tab=settings"), ("new-run", "/new?host=local"), ("chat", $"/chat?host=local&run={first}"), ("models", "/models"),
            ("model", "/hosts/local/models/lema-tiny"), ("datasets", "/datasets"), ("dataset", "/hosts/local/datasets/facts"), ("hosts", "/hosts"),
        ];
        Directory.CreateDirectory(folder);
        await ShootSignInAsync(dashboard, folder);
        await using IBrowserContext browser = await chromium.OpenAsync();
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(dashboard, server.Token, "/sign-in?host=local");
        foreach ((string name, string path) in pages)
        {
            await page.SetViewportSizeAsync(Wide, HeightFor(Wide));
            await page.GotoAsync(dashboard.Address + path);
            await page.Locator("main h1").First.WaitForAsync();
            await Assertions.Expect(page.Locator(".skeleton")).ToHaveCountAsync(0, new() { Timeout = PageSteps.Long });
            await PrepareAsync(page, name);
            foreach (bool dark in new[] { false, true })
            {
                await UseThemeAsync(page, dark);
                foreach (int width in new[] { Wide, Phone }) await ShootAsync(page, width, Path.Combine(folder, $"{name}-{width}-{(dark ? "dark" : "light")}.webp"), whole: name != "chat");
            }
        }
    }

    /// <summary>Brings a page to where it has something to show.</summary>
    private static async Task PrepareAsync(IPage page, string name)
    {
        switch (name)
        {
            case "run" or "compare":
                await page.WaitForPointsAsync(2);
                break;
            case "pipeline":
                await page.GetByRole(AriaRole.Region, new() { Name = "Slots in RAM" }).Locator("li.leased").WaitForAsync(new() { Timeout = PageSteps.Long });
                break;
            case "new-run":
                await page.GetByText("It fits.").WaitForAsync(new() { Timeout = PageSteps.Long });
                break;
            case "dataset":
                await page.GetByRole(AriaRole.Button, new() { Name = "Check all rows" }).ClickAsync();
                await page.GetByText("Every row can be used.").WaitForAsync(new() { Timeout = PageSteps.Long });
                break;
            case "chat":
                await page.AskAsync("What is the capital of Kenya?");
                break;
        }
    }

    private static async Task UseThemeAsync(IPage page, bool dark)
    {
        await page.SetViewportSizeAsync(Wide, HeightFor(Wide));
        string theme = dark ? "dark" : "light";
        if (await page.Locator("html").GetAttributeAsync("data-theme") == theme) return;
        await page.GetByRole(AriaRole.Button, new() { Name = $"Use the {theme} theme" }).ClickAsync();
        await page.Locator($"html[data-theme={theme}]").WaitForAsync(new() { State = WaitForSelectorState.Attached });
    }

    /// <summary>What fits the window, or the whole page in one picture, with what is fixed to the window's edge in its place.</summary>
    private static async Task ShootAsync(IPage page, int width, string file, bool whole = true)
    {
        await page.Mouse.MoveAsync(0, 0);
        await page.SetViewportSizeAsync(width, HeightFor(width));
        int height = await page.EvaluateAsync<int>("() => document.documentElement.scrollHeight");
        if (whole) await page.SetViewportSizeAsync(width, Math.Clamp(height, HeightFor(width), Tallest));
        await page.WaitForFunctionAsync("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))");
        // As WebP, which Playwright does not write itself: a quarter of the bytes of a PNG.
        ICDPSession browser = await page.Context.NewCDPSessionAsync(page);
        JsonElement? picture = await browser.SendAsync("Page.captureScreenshot", new() { ["format"] = "webp", ["quality"] = 80 });
        await File.WriteAllBytesAsync(file, picture!.Value.GetProperty("data").GetBytesFromBase64());
        await browser.DetachAsync();
    }

    /// <summary>It has no button for the theme: the browser's cookie says it.</summary>
    private async Task ShootSignInAsync(Dashboard dashboard, string folder)
    {
        foreach (string theme in new[] { "light", "dark" })
        {
            await using IBrowserContext browser = await chromium.OpenAsync();
            await browser.AddCookiesAsync([new Cookie { Name = "lema-theme", Value = theme, Url = dashboard.Address }]);
            IPage page = await browser.NewPageAsync();
            await page.GotoAsync(dashboard.Address + "/sign-in");
            foreach (int width in new[] { Wide, Phone }) await ShootAsync(page, width, Path.Combine(folder, $"sign-in-{width}-{theme}.webp"));
        }
    }

    /// <summary>A run that is complete, one that is paused, and one that goes on while the pictures are taken; the weights of all are streamed.</summary>
    private async Task<(string First, string Second, string Running)> TrainAsync(ServerProcess server, Dashboard dashboard)
    {
        await using IBrowserContext browser = await chromium.OpenAsync();
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(dashboard, server.Token, "/sign-in?host=local&returnUrl=/datasets");
        await page.BuildDatasetAsync("facts", rows: 2000, host: "local");
        await page.StartRunAsync("first-look", steps: 100, checkpointEvery: 25, evaluateEvery: 25, rows: 4, WeightBudget);
        await page.Locator("h1 ~ [data-state=Completed]").WaitForAsync(new() { Timeout = 5 * PageSteps.Long });
        string first = RunOf(page);
        await page.GotoAsync(dashboard.Address + "/datasets");
        await page.StartRunAsync("eight-rows", steps: 400, checkpointEvery: 50, evaluateEvery: 20, rows: 8, WeightBudget);
        await page.WaitForPointsAsync(60);
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await page.Locator("h1 ~ [data-state=Paused]").WaitForAsync(new() { Timeout = PageSteps.Long });
        string second = RunOf(page);
        await page.GotoAsync(dashboard.Address + "/datasets");
        await page.StartRunAsync("long-run", steps: 5000, checkpointEvery: 20, evaluateEvery: 20, rows: 4, WeightBudget);
        await page.WaitForPointsAsync(120);
        return (first, second, RunOf(page));
    }

    private static string RunOf(IPage page) => new Uri(page.Url).Segments[^1];

    private static int HeightFor(int width) => width == Phone ? 844 : 900;
}
