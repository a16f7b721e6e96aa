using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>The connection between browser and dashboard breaks for a while, or the dashboard itself ends and comes back.</summary>
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
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/new");
        IPage page = visit.Page;
        await page.GetByLabel("Steps", new() { Exact = true }).FillAsync("77");
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("half-written");
        await page.GetByRole(AriaRole.Button, new() { Name = "YAML" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Run file in YAML")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("name: half-written"));

        await page.ReloadAsync();
        await Assertions.Expect(page.GetByLabel("Steps", new() { Exact = true })).ToHaveValueAsync("77");
        await Assertions.Expect(page.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("half-written");

        await page.GetByRole(AriaRole.Button, new() { Name = "YAML" }).ClickAsync();
        await page.GetByLabel("Run file in YAML").FillAsync("steps: [");
        await page.ReloadAsync();
        await Assertions.Expect(page.GetByLabel("Run file in YAML")).ToHaveValueAsync("steps: [");
        await page.GetByRole(AriaRole.Alert).WaitForAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Form" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Steps", new() { Exact = true })).ToHaveValueAsync("77");
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Start the run" }).First).ToBeEnabledAsync();
    }

    /// <summary>What is typed while nobody listens is kept by the browser alone.</summary>
    [Fact]
    public async Task Dashboard_EndsAndComesBack_NothingHalfTypedIsLost()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/hosts/local/runs/01RUN");
        IPage chat = visit.Page, run = await visit.Browser.NewPageAsync();
        await run.GotoAsync(visit.Dashboard.Address + "/new?host=local&from=01RUN");
        ILocator question = chat.GetByLabel("Your question"), steps = run.GetByLabel("Steps", new() { Exact = true }), rank = run.GetByLabel("Rank");
        await Assertions.Expect(steps).ToHaveValueAsync("200");
        await steps.FillAsync("77");
        await rank.FillAsync("many");
        await rank.BlurAsync();
        await run.GetByText("This is no number").WaitForAsync();
        await question.FillAsync("What is the capital");

        await visit.Dashboard.StopAsync();
        foreach (IPage page in (IPage[])[chat, run]) await page.GetByText("Connection to the dashboard lost").WaitForAsync();
        await question.FillAsync("What is the capital of Kenya?");
        await run.GetByLabel("Name", new() { Exact = true }).FillAsync("half-wri");
        await visit.Dashboard.ComeBackAsync();

        foreach (IPage page in (IPage[])[chat, run]) await page.GetByText("Connection to the dashboard lost").WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        await Assertions.Expect(run.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("half-wri");
        await Assertions.Expect(steps).ToHaveValueAsync("77");
        await Assertions.Expect(rank).ToHaveValueAsync("many");
        await run.GetByText("This is no number").WaitForAsync();
        await Assertions.Expect(question).ToHaveValueAsync("What is the capital of Kenya?");
        await question.PressAsync("Enter");
        await Assertions.Expect(chat.Locator(".question")).ToContainTextAsync("What is the capital of Kenya?");
        await Assertions.Expect(chat.Locator(".reply .text")).ToHaveTextAsync("Hello.");
        await chat.ReloadAsync();
        await Assertions.Expect(chat.Locator(".question")).ToHaveCountAsync(1);
        await Assertions.Expect(question).ToHaveValueAsync("");
    }

    [Fact]
    public async Task DatasetsPage_HostIsAwayAndComesBack_ShowsItsDatasets()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await using Visit visit = await Visit.BeginAsync(chromium, daemon);
        IPage page = visit.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "first facts" }).WaitForAsync();
        await daemon.StopAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Datasets" }).ClickAsync();
        await page.GetByText("The daemon cannot be reached").WaitForAsync();
        await daemon.StartAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "facts-heldout" }).First.WaitForAsync();
    }
}
