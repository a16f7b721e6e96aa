using System.Text;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>Bringing a dataset of one's own, in a real browser, to a real daemon.</summary>
[Collection(Chromium.Collection)]
public sealed class DatasetTests(Chromium chromium)
{
    private const string FileName = "rivers & towns.jsonl";
    private const string Good = """{"prompt": "Which river flows through Paris?", "completion": "The <b>Seine</b>."}""";

    [Fact]
    public async Task Upload_OneLineIsBroken_NamesFileLineAndRemedyAndTheMendedFileTakesItsPlace()
    {
        await using ServerProcess server = await ServerProcess.StartNewAsync();
        await using Visit visit = await Visit.BeginAsync(chromium, server, "/sign-in?returnUrl=/datasets");
        IPage page = visit.Page;

        await page.GetByRole(AriaRole.Button, new() { Name = "Upload…" }).ClickAsync();
        await ChooseAsync(page, Good, """{"prompt": "Which river flows through Wien?", "completion": "The Dan""", """{"prompt": "Which river flows through Cairo?"}""");
        await Assertions.Expect(page.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("rivers---towns");
        await page.GetByRole(AriaRole.Button, new() { Name = "Upload", Exact = true }).ClickAsync();
        ILocator alert = page.GetByRole(AriaRole.Alert);
        await Assertions.Expect(alert).ToContainTextAsync($"{FileName}, line 2: is not valid JSON");
        await Assertions.Expect(alert).ToContainTextAsync($"{FileName}, line 3");
        await Assertions.Expect(alert).ToContainTextAsync("completion");
        await Assertions.Expect(alert).ToContainTextAsync("Mend these lines, then choose the file again and upload it");

        await ChooseAsync(page, Good, """{"prompt": "Which river flows through Wien?", "completion": "The Danube."}""");
        await page.GetByRole(AriaRole.Button, new() { Name = "Upload", Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator("#upload-file")).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Link, new() { Name = "rivers---towns" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Check all rows" }).ClickAsync();
        await page.GetByText("Every row can be used.").WaitForAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Region, new() { Name = "Check" })).ToContainTextAsync("carry loss");
        await Assertions.Expect(page.GetByRole(AriaRole.Figure, new() { Name = "Rows by length" })).ToHaveCountAsync(1);
        await Assertions.Expect(page.Locator(".tokens").First).ToContainTextAsync("<b>Seine</b>");
        Assert.Equal(0, await page.Locator(".tokens b").CountAsync());
    }

    [Fact]
    public async Task Upload_NameIsTaken_SaysSoAndReplacesWhenToldTo()
    {
        await using ServerProcess server = await ServerProcess.StartNewAsync();
        await using Visit visit = await Visit.BeginAsync(chromium, server, "/sign-in?returnUrl=/datasets");
        IPage page = visit.Page;
        await page.BuildDatasetAsync("facts", rows: 20, host: "local");

        await page.GetByRole(AriaRole.Button, new() { Name = "Upload…" }).ClickAsync();
        // More than one message of an upload, so that the refusal meets one on its way.
        await ChooseAsync(page, [.. Enumerable.Range(0, 20_000).Select(i => Good.Replace("Paris", $"Paris {i}", StringComparison.Ordinal))]);
        // The name that the page proposes comes a moment after the choice, and would meet the one that is typed.
        await Assertions.Expect(page.GetByLabel("Name", new() { Exact = true })).ToHaveValueAsync("rivers---towns");
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("facts");
        await page.GetByRole(AriaRole.Button, new() { Name = "Upload", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("There is a dataset 'facts' already.");
        await page.GetByLabel("Replace a dataset of that name").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Upload", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Row, new() { Name = "facts prompt-completion" })).ToContainTextAsync("20 k");
    }

    private static Task ChooseAsync(IPage page, params string[] lines) => page.Locator("#upload-file").SetInputFilesAsync(
        new FilePayload { Name = FileName, MimeType = "application/octet-stream", Buffer = Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n") });
}
