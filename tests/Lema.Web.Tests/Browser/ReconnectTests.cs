using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>The connection between browser and dashboard breaks for a while.</summary>
[Collection(Chromium.Collection)]
public sealed class ReconnectTests(Chromium chromium)
{
    [Fact]
    public async Task RunPage_ConnectionIsCutAndMended_GoesOnWithEverythingInPlace()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await daemon.StartAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", daemon.Address));
        await using TcpRelay network = new(dashboard.Address);
        await using IBrowserContext browser = await chromium.OpenAsync();
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(network.Address, path: "/hosts/local/runs/01RUN");
        await page.AskAsync("What is the capital of Kenya?");
        await page.GetByLabel("Your question").FillAsync("A question that is not sent yet");
        await page.EvaluateAsync("() => { window.sameDocument = true; }");

        network.Cut();
        await page.GetByText("Connection to the dashboard lost").WaitForAsync();
        for (int i = 0; i < 5; i++) daemon.Runs["01RUN"].Step(0.3);
        network.Mend();

        await page.GetByText("Connection to the dashboard lost").WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        await Assertions.Expect(page.GetByTestId("steps")).ToHaveTextAsync("125 of 200 steps");
        await page.WaitForPointsAsync(127);
        Assert.Equal("127", await page.Locator(".chart").First.GetAttributeAsync("data-points"));
        await Assertions.Expect(page.GetByLabel("Your question")).ToHaveValueAsync("A question that is not sent yet");
        await Assertions.Expect(page.Locator(".reply .text")).ToHaveTextAsync("Hello.");
        Assert.True(await page.EvaluateAsync<bool>("() => window.sameDocument === true"), "the page was loaded again");
    }

    [Fact]
    public async Task NewRun_PageIsLoadedAgain_KeepsWhatWasWritten()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await daemon.StartAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", daemon.Address));
        await using IBrowserContext browser = await chromium.OpenAsync();
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(dashboard, path: "/new");
        await page.GetByLabel("Steps", new() { Exact = true }).FillAsync("77");
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("half-written");
        await page.GetByRole(AriaRole.Button, new() { Name = "YAML" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Run file in YAML")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("name: half-written"));

        await page.ReloadAsync();
        await Assertions.Expect(page.GetByLabel("Steps", new() { Exact = true })).ToHaveValueAsync("77");
        await Assertions.Expect(page.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("half-written");
    }

    [Fact]
    public async Task DatasetsPage_HostIsAwayAndComesBack_ShowsItsDatasets()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await daemon.StartAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", daemon.Address));
        await using IBrowserContext browser = await chromium.OpenAsync();
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(dashboard);
        await page.GetByRole(AriaRole.Link, new() { Name = "first facts" }).WaitForAsync();
        await daemon.StopAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Datasets" }).ClickAsync();
        await page.GetByText("The daemon cannot be reached").WaitForAsync();
        await daemon.StartAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "facts-heldout" }).First.WaitForAsync();
    }
}
