using System.Text.Json;
using Lema.Cli.Tests.Fakes;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Commands;

public sealed class ChatCommandTests
{
    [Fact]
    public async Task Chat_Message_StreamsTheReplyToStandardOutputAlone()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();

        Assert.Equal(0, await daemon.RunAsync(terminal, "chat", "first", "--message", "hello", "--temperature", "0.5"));

        Assert.Equal("You said: hello\n", terminal.Out);
        Assert.Equal("[no valid reply format: the text does not begin with [LEMA_REPLY]; 2 tokens, 20 a second, first after 0.1 s]\n", terminal.Error);
        Assert.Equal("first", daemon.Chat.Requests[0].Target.Run);
        Assert.Equal(0.5, daemon.Chat.Requests[0].Sampling.Temperature);
    }

    [Fact]
    public async Task Chat_PipedText_IsOneMessage()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new("two\nlines\n");

        Assert.Equal(0, await daemon.RunAsync(terminal, "chat", "lema-tiny", "--quiet"));

        Assert.Equal("You said: two\nlines\n", terminal.Out);
        Assert.Equal("", terminal.Error);
        Assert.Equal("lema-tiny", daemon.Chat.Requests[0].Target.Model);
    }

    [Fact]
    public async Task Chat_Messages_AreAnsweredTogetherInOrder()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        string file = terminal.WriteFile("messages.txt", "one\ntwo\n");

        Assert.Equal(0, await daemon.RunAsync(terminal, "chat", "first", "--messages", file, "--format", "json"));

        Assert.Equal(2, Assert.Single(daemon.Chat.Requests).Prompts.Count);
        Assert.Equal(["You said: one", "You said: two"], terminal.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("text").GetString()));
    }

    [Fact]
    public async Task Chat_CompareBase_AsksBoth()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Chat.Reply = (request, _) => [request.Target.BaseOnly ? "from base" : "from run"];

        Assert.Equal(0, await daemon.RunAsync(terminal, "chat", "first", "--message", "hello", "--compare", "base"));

        Assert.Equal("from base\nfrom run\n", terminal.Out);
    }

    [Fact]
    public async Task Chat_AtATerminal_RemembersTheConversationAndObeysCommands()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        string saved = Path.Combine(Path.GetTempPath(), $"lema-talk-{Guid.NewGuid():N}.jsonl");
        using TestTerminal terminal = new($"one\nlong \\\nline\n\"\"\"\na\nb\n\"\"\"\n/system be brief\n/reset\nthree\n/save {saved}\n/rset\n/quit\nnot read\n", isTerminal: true);

        Assert.Equal(0, await daemon.RunAsync(terminal, "chat", "first", "--no-color"));

        Assert.Equal([1, 3, 5, 2], daemon.Chat.Requests.Select(r => r.Prompts[0].Conversation.Messages.Count));
        Assert.Equal(["one", "long \nline", "a\nb", "three"], daemon.Chat.Requests.Select(r => r.Prompts[0].Conversation.Messages[^1].Content));
        Assert.Equal("system", daemon.Chat.Requests[3].Prompts[0].Conversation.Messages[0].Role);
        Assert.Contains("There is no /rset; did you mean /reset?", terminal.Error, StringComparison.Ordinal);
        using JsonDocument talk = JsonDocument.Parse(await File.ReadAllTextAsync(saved));
        File.Delete(saved);
        Assert.Equal(["be brief", "three", "You said: three"], talk.RootElement.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("content").GetString()));
    }

    [Fact]
    public async Task Chat_CtrlCDuringAReply_StopsTheReplyAlone()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new("one\ntwo\n/quit\n", isTerminal: true);
        daemon.Chat.Reply = (_, message) =>
        {
            if (message == "one") terminal.Interrupts.Raise();
            return ["answer to ", message];
        };

        Assert.Equal(0, await daemon.RunAsync(terminal, "chat", "first"));

        Assert.Contains("[stopped]", terminal.Error, StringComparison.Ordinal);
        Assert.Contains("answer to two", terminal.Out, StringComparison.Ordinal);
        Assert.Single(daemon.Chat.Requests[1].Prompts[0].Conversation.Messages);
    }

    [Fact]
    public async Task Chat_ReplyWithEscapes_CannotSteerTheTerminal()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new(isTerminal: true);
        daemon.Chat.Reply = (_, _) => ["\e[2Jgone"];

        Assert.Equal(0, await daemon.RunAsync(terminal, "chat", "first", "--message", "hello"));

        Assert.DoesNotContain("\e[2J", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("gone", terminal.Out, StringComparison.Ordinal);
    }

    /// <summary>A strict form is judged by its very characters: what is shown is what came, unless the user asks for something else.</summary>
    [Fact]
    public async Task Chat_Markdown_IsRenderedOnlyWhereItIsAskedForAtATerminal()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new("one\n/markdown\ntwo\n/quit\n", isTerminal: true);
        using TestTerminal pipe = new();
        daemon.Chat.Reply = (_, message) => ["**bo", $"ld** {message}"];

        Assert.Equal(0, await daemon.RunAsync(terminal, "chat", "first", "--no-color"));
        Assert.Equal(0, await daemon.RunAsync(pipe, "chat", "first", "--markdown", "--message", "three"));

        Assert.Contains("**bold** one\n", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("\e[1mbold\e[0m two\n", terminal.Out, StringComparison.Ordinal);
        Assert.Equal("**bold** three\n", pipe.Out);
    }

    [Fact]
    public async Task Chat_UnknownTarget_IsNotFoundAndSuggests()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();

        Assert.Equal(3, await daemon.RunAsync(terminal, "chat", "lema-tyni", "--message", "hello"));

        Assert.Contains("Did you mean 'lema-tiny'?", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eval_Questions_EndsWithTheThreeFigures()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        string file = terminal.WriteFile("q.jsonl", "{\"question\":\"Q1\",\"expected\":\"A1\"}\n{\"question\":\"Q2\",\"expected\":\"A2\"}\n");

        Assert.Equal(0, await daemon.RunAsync(terminal, "eval", "first", "--questions", file, "--format", "json"));

        JsonElement result = JsonDocument.Parse(terminal.Out).RootElement;
        Assert.Equal((2, 2, 1), (result.GetProperty("questions").GetInt32(), result.GetProperty("validFormat").GetInt32(), result.GetProperty("rightAnswer").GetInt32()));
        Assert.Equal("Q2", daemon.Evaluation.Started!.Questions.Questions[1].Question_);
    }

    [Fact]
    public async Task Eval_Failed_IsOneWithTheReason()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Evaluation.End = new EvaluationJob { Id = "e1", State = JobState.Failed, Error = "out of memory" };

        Assert.Equal(1, await daemon.RunAsync(terminal, "eval", "first", "--dataset", "d"));

        Assert.Equal("error: out of memory\n", terminal.Error);
    }
}
