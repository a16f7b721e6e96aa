using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>Reading a curve: values, axes, smoothing, with the mouse and with the keyboard alone.</summary>
[Collection(Chromium.Collection)]
public sealed class ChartTests(Chromium chromium)
{
    [Fact]
    public async Task Chart_WithTheKeyboard_ShowsEachValueOnEveryAxis()
    {
        await using FakeDaemon daemon = new();
        FakeRun run = new("01RUN", "first facts", 200);
        daemon.Runs["01RUN"] = run;
        foreach (double loss in new[] { 8.0, 4, 2, 1 }) run.Step(loss, seconds: 30);
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/hosts/local/runs/01RUN");
        IPage page = visit.Page;
        await page.WaitForPointsAsync(4);
        ILocator canvas = page.Locator(".chart canvas").First, tip = page.Locator(".chart-tip").First;

        // (0.4 * 1 + 0.24 * 2 + 0.144 * 4 + 0.0864 * 8) / (1 - 0.6^4), and what was measured.
        await canvas.PressAsync("End");
        await Assertions.Expect(tip).ToHaveTextAsync("Step 4Training2.467(1)");
        await page.GetByLabel("Smoothing").FillAsync("0");
        await canvas.PressAsync("End");
        await Assertions.Expect(tip).ToHaveTextAsync("Step 4Training1");
        await canvas.PressAsync("ArrowLeft");
        await Assertions.Expect(tip).ToHaveTextAsync("Step 3Training2");
        await page.GetByRole(AriaRole.Button, new() { Name = "Log scale" }).ClickAsync();
        await canvas.PressAsync("Home");
        await Assertions.Expect(tip).ToHaveTextAsync("Step 1Training8");

        await UseAxisAsync(page, "Time", "Time 2 minTraining1");
        await UseAxisAsync(page, "Tokens", "Tokens 5,600Training1");
        // The page may still be drawing the new axis, which takes the focus and the point away.
        await canvas.FocusAsync();
        await page.WaitForFunctionAsync(
            """
            () => {
              for (const key of ['End', 'Enter']) document.querySelector('.chart canvas').dispatchEvent(new KeyboardEvent('keydown', { key }));
              return location.search === '?step=4';
            }
            """,
            options: new() { PollingInterval = 500 });
        await page.ReloadAsync();
        await page.GetByText("Step 4 marked").WaitForAsync();
        await Assertions.Expect(tip).ToContainTextAsync("Step 4");
    }

    /// <summary>Until the chart has its new axis, the last point is asked for again.</summary>
    private static async Task UseAxisAsync(IPage page, string axis, string lastPoint)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = axis, Exact = true }).ClickAsync();
        await page.Locator(".chart canvas").First.FocusAsync();
        await page.WaitForFunctionAsync(
            """
            text => {
              document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'End' }));
              return document.querySelector('.chart-tip').textContent === text;
            }
            """,
            lastPoint);
    }

    /// <summary>Both halves of a curve that falls to a ten-thousandth are as high on a logarithmic axis.</summary>
    [Fact]
    public async Task Chart_OnALogarithmicAxis_IsDrawnByItsDecades()
    {
        await using FakeDaemon daemon = new();
        FakeRun run = new("01RUN", "first facts", 200);
        daemon.Runs["01RUN"] = run;
        for (int i = 0; i <= 100; i++) run.Step(Math.Pow(10, -i / 25.0));
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/hosts/local/runs/01RUN");
        IPage page = visit.Page;
        await page.WaitForPointsAsync(101);
        await page.GetByLabel("Smoothing").FillAsync("0");
        Assert.True(await HeightAtTheMiddleAsync(page) < 0.15);
        await page.GetByRole(AriaRole.Button, new() { Name = "Log scale" }).ClickAsync();
        await page.WaitForFunctionAsync($"() => ({DrawnHeight})() > 0.4");
        Assert.InRange(await HeightAtTheMiddleAsync(page), 0.45, 0.55);
    }

    [Fact]
    public async Task Comparison_Dragged_HasTheFinerPointsOfEachRunAndThenAll()
    {
        await using FakeDaemon daemon = new();
        foreach (string id in (string[])["01RUN", "02RUN"])
        {
            daemon.Runs[id] = new FakeRun(id, "run " + id, 6_000);
            for (int i = 0; i < 6_000; i++) daemon.Runs[id].Step(4 * Math.Exp(-i / 2_000.0));
        }
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/compare?run=local%2F01RUN&run=local%2F02RUN");
        IPage page = visit.Page;
        await page.WaitForPointsAsync(4_000);

        // A tenth of the axis: 600 steps of each, of which the whole view has 200.
        await page.ZoomAsync(0.4f, 0.5f);
        await page.WaitForFunctionAsync("() => { const n = Number(document.querySelector('.chart').dataset.points); return n > 1000 && n < 1500; }");
        await page.GetByRole(AriaRole.Button, new() { Name = "Reset zoom" }).First.ClickAsync();
        await page.WaitForPointsAsync(4_000);
    }

    /// <summary>Where the curve's colour stands in the middle column of the chart: 0 at the lower edge of the drawing, 1 at the upper.</summary>
    private const string DrawnHeight = """
        () => {
          const canvas = document.querySelector('.chart canvas'), ratio = window.devicePixelRatio;
          const left = 56, right = canvas.clientWidth - 12, top = 10, bottom = canvas.clientHeight - 26;
          const column = canvas.getContext('2d').getImageData(Math.round((left + right) / 2 * ratio), 0, 1, canvas.height).data;
          const [red, green, blue] = [11, 122, 108];
          let best = 0, least = Infinity;
          for (let y = 0; y < canvas.height; y++) {
            if (column[y * 4 + 3] < 200) continue;
            const distance = Math.abs(column[y * 4] - red) + Math.abs(column[y * 4 + 1] - green) + Math.abs(column[y * 4 + 2] - blue);
            if (distance < least) { least = distance; best = y / ratio; }
          }
          return (bottom - best) / (bottom - top);
        }
        """;

    private static Task<double> HeightAtTheMiddleAsync(IPage page) => page.EvaluateAsync<double>(DrawnHeight);
}
