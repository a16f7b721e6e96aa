using System.Globalization;
using System.IO.Compression;
using System.Text.RegularExpressions;
using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>The whole road of the dashboard in a real browser, against a real daemon that trains lema-tiny.</summary>
[Collection(Chromium.Collection)]
public sealed partial class RealDaemonTests(Chromium chromium)
{
    private const int Steps = 60;
    private const float Long = PageSteps.Long;

    [Fact]
    public async Task Dashboard_BuildTrainKillResumeChatMerge_EverythingFromThePage()
    {
        await using ServerProcess server = await ServerProcess.StartNewAsync();
        await using ServerProcess other = await ServerProcess.StartNewAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", server.Address), ("gpu01", other.Address));
        await using IBrowserContext browser = await chromium.OpenAsync();
        IPage page = await browser.NewPageAsync();

        await page.SignInAsync(dashboard, other.Token, "/sign-in?host=gpu01");
        await page.SignInAsync(dashboard, server.Token, "/sign-in?host=local&returnUrl=/datasets");
        await page.BuildDatasetAsync("facts", rows: 600, host: "local");
        await page.StartRunAsync("from-the-page", Steps, checkpointEvery: 10, evaluateEvery: 20, weightBudget: 4);
        await page.EvaluateAsync("() => { window.sameDocument = true; }");

        await SeeLayersOnTheirWayAsync(page);
        await page.WaitForPointsAsync(12);
        await server.KillAsync();
        await page.GetByText("local is away.").WaitForAsync();
        await OtherHostAnswersAsync(browser, dashboard);
        await server.StartAsync();
        await page.Locator("h1 ~ [data-state=Completed]").WaitForAsync(new() { Timeout = 3 * Long });

        await Assertions.Expect(page.GetByTestId("steps")).ToHaveTextAsync($"{Steps} of {Steps} steps");
        Assert.Equal(Steps, await TrainingPointsAsync(page));
        Assert.True(await page.EvaluateAsync<bool>("() => window.sameDocument === true"), "the page was loaded again");

        await page.AskAsync("What is the capital of Kenya?");
        await Assertions.Expect(page.Locator(".reply footer")).ToHaveCountAsync(1);
        await DownloadAsync(page);
        await MergeAsync(page);
    }

    /// <summary>The slots of a run whose weights do not fit: the budget holds two of four blocks.</summary>
    private static async Task SeeLayersOnTheirWayAsync(IPage page)
    {
        await page.GetByRole(AriaRole.Link, new() { Name = "Pipeline" }).ClickAsync();
        ILocator slots = page.GetByRole(AriaRole.Region, new() { Name = "Slots in RAM" });
        await slots.Locator("li.leased", new() { HasText = "block" }).WaitForAsync(new() { Timeout = Long });
        await Assertions.Expect(slots.Locator("li.pinned", new() { HasText = "final norm" })).ToHaveCountAsync(1);
        await page.GetByText("Backward, at").WaitForAsync(new() { Timeout = Long });
        await page.GetByRole(AriaRole.Link, new() { Name = "Curves" }).ClickAsync();
    }

    private static async Task DownloadAsync(IPage page)
    {
        await page.GetByRole(AriaRole.Link, new() { Name = "Checkpoints" }).ClickAsync();
        IDownload download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Download" }).First.ClickAsync());
        using ZipArchive zip = ZipFile.OpenRead(await download.PathAsync());
        ZipArchiveEntry adapter = Assert.Single(zip.Entries, entry => entry.FullName == "adapter_model.safetensors");
        using StreamReader reader = new(await adapter.OpenAsync());
        Assert.Contains("lora_A", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    /// <summary>While one daemon is away, the other is there, and a run can be written for it.</summary>
    private static async Task OtherHostAnswersAsync(IBrowserContext browser, Dashboard dashboard)
    {
        IPage page = await browser.NewPageAsync();
        await page.GotoAsync(dashboard.Address + "/hosts");
        await page.Locator("[data-host=gpu01] [data-host-state=Connected]").WaitForAsync();
        await page.Locator("[data-host=local] [data-host-state=Away]").WaitForAsync();
        await page.GotoAsync(dashboard.Address + "/new?host=gpu01");
        await Assertions.Expect(page.Locator("#run-model")).ToHaveValueAsync("lema-tiny");
        await page.CloseAsync();
    }

    private static async Task MergeAsync(IPage page)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = "Merge…" }).First.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Merge", Exact = true }).ClickAsync();
        await page.Locator("[data-export=Completed]").WaitForAsync(new() { Timeout = Long });
    }

    /// <summary>Points of the training loss, as the chart tells those who cannot see it.</summary>
    private static async Task<int> TrainingPointsAsync(IPage page)
    {
        string label = await page.Locator(".chart canvas").First.GetAttributeAsync("aria-label") ?? "";
        Match points = Points().Match(label);
        return points.Success ? int.Parse(points.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"Training: (\d+) points")]
    private static partial Regex Points();
}
