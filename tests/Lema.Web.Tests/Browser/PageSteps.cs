using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>What a user does again and again.</summary>
internal static class PageSteps
{
    public static async Task SignInAsync(this IPage page, Dashboard dashboard, string token = FakeDaemon.Token, string path = "/")
    {
        await page.GotoAsync(dashboard.Address + path);
        await page.GetByLabel("Token").FillAsync(token);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.WaitForURLAsync(url => !url.Contains("/sign-in", StringComparison.Ordinal));
    }

    /// <summary>Waits until the first chart of the page holds at least so many points.</summary>
    public static Task WaitForPointsAsync(this IPage page, int points) =>
        page.WaitForFunctionAsync("n => Number(document.querySelector('.chart')?.dataset.points ?? 0) >= n", points);
}
