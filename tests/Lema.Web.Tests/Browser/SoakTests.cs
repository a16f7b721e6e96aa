using System.Globalization;
using Lema.Web.Clients;
using Lema.Web.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>Twenty open pages of a running run: memory stays flat and the daemon sees one watch. For two minutes, or the seconds that LEMA_SOAK_SECONDS names.</summary>
[Collection(Chromium.Collection)]
public sealed class SoakTests(Chromium chromium)
{
    private const int PageCount = 20;
    private const double LargestGrowth = 0.10;
    private const double ShortSoak = 120;

    [Fact]
    public async Task TwentyPages_RunGoesOn_ManagedMemoryIsFlat()
    {
        double seconds = double.TryParse(Environment.GetEnvironmentVariable("LEMA_SOAK_SECONDS"), CultureInfo.InvariantCulture, out double asked) ? asked : ShortSoak;
        await using FakeDaemon daemon = Example.Daemon();
        FakeRun run = daemon.Runs["01RUN"];
        run.Detail.Summary.TotalSteps = 1_000_000;
        await daemon.StartAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", daemon.Address));
        await using IBrowserContext browser = await chromium.OpenAsync();
        for (int i = 0; i < PageCount; i++) await OpenRunAsync(browser, dashboard, signIn: i == 0);

        // The curves fill to their limit first: growth up to there is no leak.
        for (int i = 0; i < 9_000; i++) run.Step(1);
        await RunForAsync(run, seconds / 4);
        long before = Measure();
        await RunForAsync(run, seconds * 3 / 4);
        long after = Measure();

        Assert.Equal(1, dashboard.Services.GetRequiredService<ConnectionPool>().Count);
        Assert.Equal(1, daemon.OpenRunWatches);
        TestContext.Current.SendDiagnosticMessage($"{PageCount} pages, {seconds} s: {before / 1e6:0.0} MB, then {after / 1e6:0.0} MB of managed memory");
        Assert.True(after < before * (1 + LargestGrowth), $"managed memory grew from {before} to {after} bytes");
    }

    /// <summary>Until its curve is there: a page that came later would look like growth.</summary>
    private static async Task OpenRunAsync(IBrowserContext browser, Dashboard dashboard, bool signIn)
    {
        const string Run = "/hosts/local/runs/01RUN";
        IPage page = await browser.NewPageAsync();
        if (signIn) await page.SignInAsync(dashboard, path: Run);
        else await page.GotoAsync(dashboard.Address + Run);
        await page.WaitForPointsAsync(1);
    }

    private static async Task RunForAsync(FakeRun run, double seconds)
    {
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(0.25));
        for (double passed = 0; passed < seconds && await timer.WaitForNextTickAsync(); passed += 0.25) run.Step(1);
    }

    /// <summary>Bytes in use after a full collection; the fake daemon's few hundred further events count too.</summary>
    private static long Measure() => GC.GetTotalMemory(forceFullCollection: true);
}
