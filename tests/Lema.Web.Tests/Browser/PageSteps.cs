using System.Globalization;
using System.Text.RegularExpressions;
using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>What a user does again and again.</summary>
internal static class PageSteps
{
    /// <summary>Milliseconds that work of a real daemon may take.</summary>
    public const float Long = 180_000;

    public static Task SignInAsync(this IPage page, Dashboard dashboard, string token = FakeDaemon.Token, string path = "/") =>
        page.SignInAsync(dashboard.Address, token, path);

    public static async Task SignInAsync(this IPage page, string address, string token = FakeDaemon.Token, string path = "/")
    {
        await page.GotoAsync(address + path);
        await page.GetByLabel("Token").FillAsync(token);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(page).Not.ToHaveURLAsync(new Regex("/sign-in"), new() { Timeout = Long });
    }

    /// <summary>Waits until the page's address holds a text.</summary>
    /// <remarks>
    /// Not WaitForURL: that misses an address that changes between its look at it and its listening for the change, and where it has changed already it waits for
    /// all of the page's scripts, whatever it is told.
    /// </remarks>
    public static Task WaitForAddressAsync(this IPage page, string part) =>
        Assertions.Expect(page).ToHaveURLAsync(new Regex(Regex.Escape(part)), new() { Timeout = Long });

    /// <summary>Waits until the first chart of the page holds at least so many points.</summary>
    public static Task WaitForPointsAsync(this IPage page, int points) =>
        page.WaitForFunctionAsync("n => Number(document.querySelector('.chart')?.dataset.points ?? 0) >= n", points, new() { Timeout = Long });

    /// <summary>Drags over a part of the first chart, as shares of its width.</summary>
    /// <returns>Where the chart is.</returns>
    public static async Task<LocatorBoundingBoxResult> ZoomAsync(this IPage page, float from, float to)
    {
        LocatorBoundingBoxResult box = (await page.Locator(".chart canvas").First.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + box.Width * from, box.Y + 80);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + box.Width * to, box.Y + 80, new() { Steps = 4 });
        await page.Mouse.UpAsync();
        return box;
    }

    /// <summary>From the page of datasets.</summary>
    public static async Task BuildDatasetAsync(this IPage page, string name, int rows, string host)
    {
        await page.GetByRole(AriaRole.Region, new() { Name = host }).GetByRole(AriaRole.Button, new() { Name = "Build…" }).ClickAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
        await page.GetByLabel("Training rows").FillAsync(Text(rows));
        await page.GetByLabel("Held-out rows").FillAsync("40");
        await page.GetByRole(AriaRole.Button, new() { Name = "Build", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = name, Exact = true }).WaitForAsync(new() { Timeout = Long });
    }

    /// <summary>From any page with a link to train; ends on the run's page.</summary>
    /// <param name="weightBudget">In MiB; null: what the host can spare, so that nothing is streamed.</param>
    public static async Task StartRunAsync(this IPage page, string name, int steps, int checkpointEvery, int evaluateEvery, int rows = 16, double? weightBudget = null)
    {
        await page.GetByRole(AriaRole.Link, new() { Name = "Train" }).First.ClickAsync();
        await page.GetByLabel("Steps", new() { Exact = true }).FillAsync(Text(steps));
        await page.GetByLabel("Rows of a micro-batch").FillAsync(Text(rows));
        await page.GetByLabel("Checkpoint every (steps)").FillAsync(Text(checkpointEvery));
        await page.GetByLabel("Evaluate every (steps)").FillAsync(Text(evaluateEvery));
        await page.GetByLabel("Rows of an evaluation").FillAsync("8");
        if (weightBudget is { } mebibytes) await page.GetByLabel("Weight budget").FillAsync(mebibytes.ToString(CultureInfo.InvariantCulture));
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
        await page.Locator(".tokens .loss").First.WaitForAsync();
        await page.GetByText("It fits.").WaitForAsync(new() { Timeout = Long });
        await page.GetByRole(AriaRole.Button, new() { Name = "Start the run" }).ClickAsync();
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync(name, new() { Timeout = Long });
    }

    /// <summary>Asks, and waits until every model has replied.</summary>
    public static async Task AskAsync(this IPage page, string question)
    {
        await page.GetByLabel("Your question").FillAsync(question);
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".question").Last).ToContainTextAsync(question);
        await page.Locator(".conversation[data-busy=false]").WaitForAsync(new() { Timeout = Long });
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
