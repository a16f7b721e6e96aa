using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Server.EngineJobs;
using Lema.Server.Tests.Fakes;

namespace Lema.Server.Tests;

/// <summary>Which reply format a chat, an evaluation and a run are judged by.</summary>
public sealed class ReplyFormatTests
{
    private static ReplyFormat Verdict => new() { Name = "verdict", Prompt = "Judge: {question}", Open = "<v>", Fields = { new ReplyField { Name = "Verdict", Values = { "yes", "no" } } }, Close = "</v>", Answer = "Verdict" };

    [Fact]
    public void ToEngine_OfAWholeFormat_ReadsRepliesByIt()
    {
        Engine.Datasets.Replies.ReplyFormat format = Verdict.ToEngine()!;
        Assert.Equal("Judge: so?", format.Prompt("so?"));
        ParsedReply parsed = ReplyMapping.Parse(format, "<v>\nVerdict: no\n</v>");
        Assert.True(parsed.Valid);
        Assert.Equal(("verdict", "Verdict", "no"), (parsed.Format, parsed.Fields[0].Name, parsed.Fields[0].Value));
    }

    [Fact]
    public void ToEngine_OfANameAlone_IsTheBuiltInFormat() => Assert.Same(Engine.Datasets.Replies.ReplyFormat.Lema, new ReplyFormat { Name = "lema" }.ToEngine());

    [Fact]
    public async Task StartRun_WithAFaultyFormat_NamesItsKeys()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        async Task<string[]> ProblemsAsync(ReplyFormat format) => [.. Failure.From(await Assert.ThrowsAsync<RpcException>(() =>
            daemon.StartRunAsync(1, request => request.Settings.Data = new DataSettings { ReplyFormat = format }))).Problems.Select(problem => problem.Field)];
        ReplyFormat faulty = Verdict;
        (faulty.Prompt, faulty.Close, faulty.Answer) = ("no place", "<v>", "Other");
        Assert.Equal(["data.replyFormat.prompt", "data.replyFormat.close", "data.replyFormat.answer"], await ProblemsAsync(faulty));
        Assert.Equal(["data.replyFormat.name"], await ProblemsAsync(new ReplyFormat { Name = "unknown" }));
    }

    [Fact]
    public async Task ChatAndEvaluation_OfARunThatNamesAFormat_UseItUnlessTheCallNamesAnother()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        RunDetail run = await daemon.StartRunAsync(1, request => request.Settings.Data = new DataSettings { ReplyFormat = Verdict });
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);
        ModelReference target = new() { Run = run.Summary.Id };
        async Task<string> ChatAsync(ReplyFormat? named)
        {
            ChatRequest request = new() { Target = target, Prompts = { new ChatPrompt { Text = "a" } }, ReplyFormat = named };
            return (await new Chat.ChatClient(daemon.Channel).Chat(request).ResponseStream.ReadAllAsync().FirstAsync(response => response.Completion is not null)).Completion.Reply.Format;
        }
        async Task<string> EvaluateAsync(ReplyFormat? named)
        {
            Evaluation.EvaluationClient evaluation = new(daemon.Channel);
            EvaluationJob job = await evaluation.StartEvaluationAsync(new StartEvaluationRequest { Target = target, Dataset = "rows-heldout", ReplyFormat = named });
            return (await evaluation.WatchEvaluation(new WatchEvaluationRequest { Id = job.Id }).ResponseStream.ReadAllAsync().LastAsync()).Job.Result.ReplyFormat;
        }
        Assert.Equal(("verdict", "verdict"), (await ChatAsync(null), await EvaluateAsync(null)));
        Assert.Equal(("lema", "lema"), (await ChatAsync(new ReplyFormat { Name = "lema" }), await EvaluateAsync(new ReplyFormat { Name = "lema" })));
    }

    [Fact]
    public async Task StartRun_OnRowsOfTheBuiltInFormat_RecognizesIt()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        await daemon.UploadDatasetAsync("plain", "{\"prompt\":\"a\",\"completion\":\"b\"}\n");
        Assert.Equal("lema", (await daemon.StartRunAsync(1)).ReplyFormat.Name);
        Assert.Equal("verdict", (await daemon.StartRunAsync(1, request => request.Settings.Data = new DataSettings { ReplyFormat = Verdict })).ReplyFormat.Name);
        Assert.Null((await daemon.StartRunAsync(1, request => request.Dataset = "plain")).ReplyFormat);
    }
}
