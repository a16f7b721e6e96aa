using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>The table of runs, and runs laid over each other.</summary>
[Collection(Chromium.Collection)]
public sealed class RunsPageTests(Chromium chromium)
{
    [Fact]
    public async Task Table_FilteredSortedAndChosen_LeadsToTheComparison()
    {
        await using FakeDaemon daemon = Example.Daemon();
        FakeRun other = new("02RUN", "higher rank", 50);
        other.Detail.Settings = daemon.Runs["01RUN"].Detail.Settings?.Clone() ?? new();
        other.Detail.Settings.LearningRate = 0.25;
        other.Step(9.5);
        other.Step(9.25);
        daemon.Runs["02RUN"] = other;
        daemon.Runs["03RUN"] = new FakeRun("03RUN", "another", 50);
        await using Visit visit = await Visit.BeginAsync(chromium, daemon);
        IPage page = visit.Page;
        ILocator names = page.Locator("tr[data-run] .name a");

        await Assertions.Expect(names).ToHaveCountAsync(3);
        await page.GetByLabel("Filter runs").FillAsync("HIGH");
        await Assertions.Expect(names).ToHaveTextAsync(["higher rank"]);
        await page.GetByLabel("Filter runs").FillAsync("");
        await page.GetByRole(AriaRole.Button, new() { Name = "Run", Exact = true }).ClickAsync();
        await Assertions.Expect(names).ToHaveTextAsync(["another", "first facts", "higher rank"]);

        await page.GetByLabel("Choose first facts to compare").CheckAsync();
        await page.GetByLabel("Choose higher rank to compare").CheckAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Compare 2" }).ClickAsync();
        await page.WaitForPointsAsync(100);
        await Assertions.Expect(page.GetByRole(AriaRole.Img, new() { Name = "Loss over step. first facts: 120 points" })).ToHaveCountAsync(1);
        ILocator difference = page.GetByRole(AriaRole.Row, new() { Name = "learningRate" });
        await Assertions.Expect(difference).ToContainTextAsync("0.25");
        await page.Locator(".chart canvas").First.HoverAsync(new() { Position = new() { X = 62, Y = 60 } });
        await Assertions.Expect(page.Locator(".chart-tip").First).ToContainTextAsync("higher rank9.");
    }
}
