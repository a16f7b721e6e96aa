using Lema.Protocol.V1;
using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>A run's page in a real browser, against a daemon on a real socket.</summary>
[Collection(Chromium.Collection)]
public sealed class RunPageTests(Chromium chromium)
{
    [Fact]
    public async Task RunPage_DaemonGoesAndComesBack_CurveGoesOnWithoutGapOrRepetition()
    {
        await using FakeDaemon daemon = new();
        FakeRun run = new("01RUN", "first facts", 200);
        daemon.Runs["01RUN"] = run;
        for (int i = 0; i < 30; i++) run.Step(4 * Math.Exp(-i / 20.0));
        await using Visit visit = await Visit.BeginAsync(chromium, daemon);
        IPage page = visit.Page;
        List<string> errors = [];
        page.Console += (_, message) => { if (message.Type == "error") errors.Add(message.Text); };

        await page.GetByRole(AriaRole.Link, new() { Name = "first facts" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("first facts");
        await page.WaitForPointsAsync(30);

        run.Step(0.9);
        await page.WaitForPointsAsync(31);
        await daemon.StopAsync();
        await page.GetByText("local is away.").WaitForAsync();
        for (int i = 0; i < 5; i++) run.Step(0.8);
        await daemon.StartAsync();
        await page.WaitForFunctionAsync("() => document.querySelector('[data-link=Live]') !== null");
        await page.WaitForPointsAsync(36);
        await Expect(page.GetByTestId("steps")).ToHaveTextAsync("36 of 200 steps");
        Assert.Equal("36", await page.Locator(".chart").First.GetAttributeAsync("data-points"));

        run.Enter(RunState.Completed);
        await Expect(page.Locator("h1 ~ [data-state]")).ToHaveTextAsync("Completed");
        Assert.Empty(errors);
    }

    [Fact]
    public async Task Pipeline_HostWithACard_ShowsItsMemoryAndWhatIsCopied()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/hosts/local/runs/01RUN?tab=pipeline");

        ILocator card = visit.Page.GetByRole(AriaRole.Region, new() { Name = "Card NVIDIA H100" });

        await Expect(card).ToContainTextAsync("20 GiB of 80 GiB");
        await Expect(card).ToContainTextAsync("12 GiB/s");
        await Expect(card).ToContainTextAsync("Busy–");
    }

    [Fact]
    public async Task Chart_DraggedThenReset_ShowsTheFinerPointsAndThenAll()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/hosts/local/runs/01RUN");
        IPage page = visit.Page;
        await page.WaitForPointsAsync(122);

        LocatorBoundingBoxResult box = await page.ZoomAsync(0.4f, 0.6f);
        await page.WaitForFunctionAsync("() => Number(document.querySelector('.chart').dataset.points) < 60");
        await page.GetByRole(AriaRole.Button, new() { Name = "Reset zoom" }).First.ClickAsync();
        await page.WaitForPointsAsync(122);

        await page.Mouse.ClickAsync(box.X + box.Width * 0.5f, box.Y + 80);
        await page.WaitForAddressAsync("?step=");
        await page.GetByText("the address leads here").WaitForAsync();
    }

    [Fact]
    public async Task Chart_HundredThousandSteps_IsDownSampledAndHasEveryStepOnZoom()
    {
        await using FakeDaemon daemon = new();
        FakeRun run = new("01RUN", "long run", 100_000);
        daemon.Runs["01RUN"] = run;
        for (int i = 0; i < 100_000; i++) run.Step(4 * Math.Exp(-i / 20_000.0));
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/hosts/local/runs/01RUN");
        IPage page = visit.Page;
        await page.WaitForPointsAsync(1);
        Assert.Equal("2000", await page.Locator(".chart").First.GetAttributeAsync("data-points"));

        // A hundredth of the axis: a thousand steps, of which the whole view has twenty.
        await page.ZoomAsync(0.40f, 0.41f);
        await page.WaitForFunctionAsync("() => { const n = Number(document.querySelector('.chart').dataset.points); return n > 800 && n < 1800; }");

        run.Step(0.02);
        await page.GetByRole(AriaRole.Button, new() { Name = "Reset zoom" }).First.ClickAsync();
        await page.WaitForPointsAsync(2001);
    }

    [Fact]
    public async Task RunsPage_OneHostIsAway_TheOtherIsLiveAndTheDashboardMayRestart()
    {
        await using FakeDaemon here = Example.Daemon(), away = new();
        away.Runs["02RUN"] = new FakeRun("02RUN", "far away", 50);
        await here.StartAsync();
        await away.StartAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", here.Address), ("gpu01", away.Address));
        await using IBrowserContext browser = await chromium.OpenAsync();
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(dashboard, path: "/sign-in?host=local&returnUrl=/hosts");
        await page.SignInAsync(dashboard, path: "/sign-in?host=gpu01&returnUrl=/");
        await page.GetByRole(AriaRole.Link, new() { Name = "far away" }).WaitForAsync();
        await away.StopAsync();
        await page.GetByText("gpu01 is away.").WaitForAsync();
        here.Runs["01RUN"].Step(0.1234);
        await page.GetByText("0.1234").WaitForAsync();

        await dashboard.StopAsync();
        await page.GetByText("Connection to the dashboard lost").WaitForAsync();
        await dashboard.ComeBackAsync();
        here.Runs["01RUN"].Step(0.1111);
        await page.GetByText("0.1111").WaitForAsync(new() { Timeout = 60_000 });
    }

    private static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);
}
