using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>What the dashboard's speed is. Runs where LEMA_MEASURE is set, on a machine that does nothing else.</summary>
[Collection(Chromium.Collection)]
public sealed class MeasureTests(Chromium chromium)
{
    private const double PaintLimit = 1000;

    /// <summary>Milliseconds of one frame at 60 a second.</summary>
    private const double FrameLimit = 1000.0 / 60;

    private static readonly string[] Pages =
        ["/", "/hosts/local/runs/01RUN", "/hosts/local/runs/01RUN?tab=pipeline", "/new?host=local", "/chat?host=local&run=01RUN", "/models", "/datasets", "/hosts", "/sign-in"];

    [Fact]
    public async Task EveryPage_FirstContentfulPaint_IsUnderASecond()
    {
        SkipUnlessAsked();
        await using FakeDaemon daemon = Example.Daemon();
        await daemon.StartAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", daemon.Address));
        List<string> slow = [];
        TestContext.Current.TestOutputHelper?.WriteLine($"load before: {await File.ReadAllTextAsync("/proc/loadavg")}");
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
                if (paint > PaintLimit) slow.Add($"{path}: {paint:0} ms");
                await page.CloseAsync();
            }
        }
        Assert.Empty(slow);
    }

    [Fact]
    public async Task Chart_HundredThousandPoints_DrawsAFrameInTimeForTheNext()
    {
        SkipUnlessAsked();
        await using FakeDaemon daemon = Example.Daemon();
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/hosts/local/runs/01RUN");
        IPage page = visit.Page;
        await page.WaitForPointsAsync(1);
        double[] figures = await page.EvaluateAsync<double[]>("""
            async () => {
              const { create } = await import('/js/chart/chart.js');
              const chart = create(document.querySelector('.chart'), { invokeMethodAsync() {} }, { group: 'measure', smoothing: 0.6, xName: 'Step', xUnit: '', yUnit: '' });
              chart.define([{ id: 'loss', label: 'Loss', color: '--series-1' }]);
              const points = new Float64Array(200000);
              for (let i = 0; i < 100000; i++) { points[2 * i] = i; points[2 * i + 1] = 4 * Math.exp(-i / 20000) + Math.sin(i) / 10; }
              const begin = performance.now();
              chart.receive([{ id: 'loss', reset: true, count: 100000 }], new Uint8Array(points.buffer));
              chart.render();
              const first = performance.now();
              for (let frame = 0; frame < 60; frame++) { chart.cursor = frame * 1500; chart.render(); }
              return [first - begin, (performance.now() - first) / 60];
            }
            """);
        TestContext.Current.TestOutputHelper?.WriteLine($"100,000 points, smoothed: {figures[0]:0.0} ms from their arrival to the first frame, {figures[1]:0.0} ms a frame of hovering");
        Assert.True(figures[1] < FrameLimit, $"a frame takes {figures[1]:0.0} ms");
    }

    private static void SkipUnlessAsked()
    {
        if (Environment.GetEnvironmentVariable("LEMA_MEASURE") is null) Assert.Skip("Set LEMA_MEASURE to measure the dashboard's speed.");
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
