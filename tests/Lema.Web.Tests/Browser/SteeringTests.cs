using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>What a user does to a run that trains, and to the models it makes, from the pages of a real daemon.</summary>
[Collection(Chromium.Collection)]
public sealed class SteeringTests(Chromium chromium)
{
    private const float Long = PageSteps.Long;

    [Fact]
    public async Task Run_PausedResumedStoppedAndTalkedTo_FromThePage()
    {
        await using ServerProcess server = await ServerProcess.StartNewAsync();
        await using Visit visit = await Visit.BeginAsync(chromium, server, "/sign-in?returnUrl=/datasets");
        await visit.Browser.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        IPage page = visit.Page;
        await page.BuildDatasetAsync("facts", rows: 600, host: "local");
        await page.StartRunAsync("steered", steps: 5000, checkpointEvery: 1000, evaluateEvery: 0, rows: 2);

        await page.WaitForPointsAsync(5);
        await ActAsync(page, "Pause", "Paused");
        int paused = await StepAsync(page);
        await ActAsync(page, "Resume", "Running");
        await page.WaitForPointsAsync(paused + 5);
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop", Exact = true }).ClickAsync();
        await page.WaitForFunctionAsync("() => document.querySelector('[role=dialog]')?.contains(document.activeElement)");
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await Assertions.Expect(page.Locator("h1 ~ [data-state=Running]")).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop the run" }).ClickAsync();
        await page.Locator("h1 ~ [data-state=Stopped]").WaitForAsync(new() { Timeout = Long });
        await Assertions.Expect(page.Locator(".chart").First).ToHaveAttributeAsync("data-points", $"{await StepAsync(page)}");

        await CompareWithTheBaseAsync(page);
        await InspectTheModelAsync(page);
    }

    /// <summary>Side by side, copied, and again with sampling and a system prompt.</summary>
    private static async Task CompareWithTheBaseAsync(IPage page)
    {
        await page.GetByRole(AriaRole.Link, new() { Name = "Side by side" }).ClickAsync();
        await page.AskAsync("What is the capital of Kenya?");
        ILocator replies = page.Locator(".reply");
        await Assertions.Expect(replies).ToHaveCountAsync(2);
        await Assertions.Expect(page.Locator(".heads h3").First).ToContainTextAsync("Base: lema-tiny");
        await Assertions.Expect(page.Locator(".reply .check")).ToHaveCountAsync(2);
        await replies.Last.GetByRole(AriaRole.Button, new() { Name = "Copy the text" }).ClickAsync();
        await page.GetByText("Copied").WaitForAsync();
        string copied = await page.EvaluateAsync<string>("() => navigator.clipboard.readText()");
        Assert.Equal((await replies.Last.Locator(".text").TextContentAsync())!, copied);

        await page.GetByLabel("System prompt").FillAsync("Answer in one word.");
        await page.GetByLabel("Temperature").FillAsync("1.5");
        await page.AskAsync("Which element has the symbol Fe?");
        await Assertions.Expect(page.Locator(".reply .check")).ToHaveCountAsync(4);
        await Assertions.Expect(page.Locator(".earlier .open")).ToHaveCountAsync(1);
    }

    private static async Task InspectTheModelAsync(IPage page)
    {
        await page.GetByRole(AriaRole.Link, new() { Name = "Models" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "lema-tiny" }).ClickAsync();
        await page.GetByText("block 0").ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Row, new() { Name = "q_proj" }).First).ToBeVisibleAsync();
    }

    private static async Task ActAsync(IPage page, string button, string state)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();
        await page.Locator($"h1 ~ [data-state={state}]").WaitForAsync(new() { Timeout = Long });
    }

    private static async Task<int> StepAsync(IPage page)
    {
        string text = await page.GetByTestId("steps").TextContentAsync() ?? "";
        return int.Parse(text.Split(' ')[0], System.Globalization.NumberStyles.AllowThousands, System.Globalization.CultureInfo.InvariantCulture);
    }
}
