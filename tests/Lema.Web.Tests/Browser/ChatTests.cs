using Lema.Protocol.V1;
using Lema.Web.Tests.Fakes;
using Microsoft.Playwright;

namespace Lema.Web.Tests.Browser;

/// <summary>Talking to a model in a real browser, against a daemon on a real socket.</summary>
[Collection(Chromium.Collection)]
public sealed class ChatTests(Chromium chromium)
{
    [Fact]
    public async Task Chat_ReplyWithMarkup_IsShownAsText()
    {
        await using FakeDaemon daemon = new() { Reply = _ => ["<img src=x ", "onerror=alert(1)>", " <b>bold</b>"] };
        FakeRun run = new("01RUN", "first facts", 10);
        run.Save(new Checkpoint { Step = 5, Path = "checkpoints/5" });
        daemon.Runs["01RUN"] = run;
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/hosts/local/runs/01RUN");
        IPage page = visit.Page;
        await page.GetByLabel("Your question").FillAsync("What is the capital of Kenya?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".reply .text")).ToHaveTextAsync("<img src=x onerror=alert(1)> <b>bold</b>");
        Assert.Equal(0, await page.Locator(".reply img, .reply b").CountAsync());
        await page.GetByText("Not a [LEMA_REPLY]").WaitForAsync();
        await Expect(page.GetByLabel("Your question")).ToHaveValueAsync("");
    }

    /// <summary>A page's own scripts may come long after the page itself.</summary>
    [Fact]
    public async Task Chat_EnterBeforeThePagesScriptHasCome_Sends()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await daemon.StartAsync();
        await using Dashboard dashboard = await Dashboard.StartAsync(("local", daemon.Address));
        await using IBrowserContext browser = await chromium.OpenAsync();
        TaskCompletionSource replied = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await browser.RouteAsync("**/js/conversation*.js", async route =>
        {
            await replied.Task;
            await route.ContinueAsync();
        });
        IPage page = await browser.NewPageAsync();
        await page.SignInAsync(dashboard, path: "/hosts/local/runs/01RUN");
        await page.AskAsync("What is the capital of Kenya?");
        replied.SetResult();
        await Expect(page.Locator(".reply .text")).ToHaveTextAsync("Hello.");
    }

    [Fact]
    public async Task Chat_ReloadedAndLaterOpenedAgain_HasEveryTurn()
    {
        await using FakeDaemon daemon = Example.Daemon();
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/sign-in?host=local&returnUrl=/chat");
        IPage page = visit.Page;
        await page.AskAsync("The first question");
        await page.AskAsync("The second question");
        await page.WaitForAddressAsync("conversation=");

        await page.ReloadAsync();
        await Expect(page.Locator(".question")).ToHaveCountAsync(2);
        await Expect(page.Locator(".reply .text")).ToHaveCountAsync(4);
        await page.GetByRole(AriaRole.Button, new() { Name = "New conversation" }).ClickAsync();
        await Expect(page.Locator(".question")).ToHaveCountAsync(0);
        await page.Locator(".earlier .open").ClickAsync();
        await Expect(page.Locator(".question").Last).ToContainTextAsync("The second question");

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.SignInAsync(visit.Dashboard, path: "/sign-in?host=local&returnUrl=/chat");
        await Expect(page.Locator("#chat-target")).ToBeVisibleAsync();
        await Expect(page.Locator(".earlier")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Chat_StoppedInTheMiddle_KeepsWhatHadComeAndTheHostIsTold()
    {
        await using FakeDaemon daemon = Example.Daemon();
        daemon.RepliesEnd = new TaskCompletionSource().Task;
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/hosts/local/runs/01RUN");
        IPage page = visit.Page;
        await page.GetByLabel("Your question").FillAsync("Tell me a long story.");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".reply .text")).ToHaveTextAsync("Hello.");
        await page.GetByRole(AriaRole.Region, new() { Name = "Chat with this run" }).GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await page.GetByText("Stopped.").WaitForAsync();
        await Expect(page.Locator(".reply .text")).ToHaveTextAsync("Hello.");
        await daemon.ReplyLeft.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Chat_LongQuestionInAnyScript_IsSentWhole()
    {
        string? heard = null;
        await using FakeDaemon daemon = Example.Daemon();
        daemon.Reply = request =>
        {
            heard = request.Prompts[0].Conversation.Messages[^1].Content;
            return ["Read."];
        };
        await using Visit visit = await Visit.BeginAsync(chromium, daemon, "/sign-in?host=local&returnUrl=/chat?host=local%26model=lema-tiny");
        IPage page = visit.Page;
        string question = new('я', 16_000);
        await page.AskAsync(question);
        await Expect(page.Locator(".reply .text")).ToHaveTextAsync("Read.");
        Assert.Equal(question, heard);
    }

    private static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);
}
