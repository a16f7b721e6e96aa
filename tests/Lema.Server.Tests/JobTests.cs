using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Server.Jobs;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

public sealed class JobTests
{
    [Fact]
    public async Task Chat_WithTwoPrompts_StreamsBothAndKeepsTheModelOpen()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Chat.ChatClient chat = new(daemon.Channel);
        for (int call = 0; call < 2; call++)
        {
            ChatRequest request = new() { Target = new ModelReference { Model = "lema-tiny" }, Prompts = { new ChatPrompt { Text = "a" }, new ChatPrompt { Text = "b" } } };
            Dictionary<int, string> texts = [], completed = [];
            await foreach (ChatResponse response in chat.Chat(request).ResponseStream.ReadAllAsync())
            {
                if (response.Delta is { } delta) texts[delta.Prompt] = texts.GetValueOrDefault(delta.Prompt, "") + delta.Text;
                if (response.Completion is { } completion) completed[completion.Prompt] = completion.Text;
            }
            Assert.Equal("echo a", texts[0]);
            Assert.Equal(texts, completed);
        }
        Assert.Single(daemon.Services.GetRequiredService<MemoryLedger>().Reservations);
    }

    [Fact]
    public async Task Chat_WhenOneCallFails_StaysOpenForTheNext()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Chat.ChatClient chat = new(daemon.Channel);
        async Task<string> SayAsync(string text)
        {
            string reply = "";
            await foreach (ChatResponse response in chat.Chat(new ChatRequest { Target = new ModelReference { Model = "lema-tiny" }, Prompts = { new ChatPrompt { Text = text } } }).ResponseStream.ReadAllAsync())
                if (response.Completion is { } completion) reply = completion.Text;
            return reply;
        }
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => SayAsync("fail"))).StatusCode);
        Assert.Equal("echo on", await SayAsync("on"));
    }

    [Fact]
    public async Task Chat_ThatDoesNotFit_IsRefusedWithTheMissingFigure()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync(change: options => options with { MemoryBytes = 100 << 20 });
        AsyncServerStreamingCall<ChatResponse> call = new Chat.ChatClient(daemon.Channel).Chat(new ChatRequest { Target = new ModelReference { Model = "lema-tiny" }, Prompts = { new ChatPrompt { Text = "a" } } });
        RpcException refused = await Assert.ThrowsAsync<RpcException>(async () => { await foreach (ChatResponse _ in call.ResponseStream.ReadAllAsync()) { } });
        Failure failure = Failure.From(refused);
        Assert.Equal(FailureKind.DoesNotFit, failure.Kind);
        Assert.True(failure.RequiredBytes > 100 << 20);
    }

    [Fact]
    public async Task Evaluation_OfADataset_ReportsEveryReplyOnce()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        Evaluation.EvaluationClient evaluation = new(daemon.Channel);
        EvaluationJob job = await evaluation.StartEvaluationAsync(new StartEvaluationRequest { Target = new ModelReference { Model = "lema-tiny" }, Dataset = "rows-heldout" });
        List<int> indices = [];
        EvaluationJob last = job;
        await foreach (WatchEvaluationResponse message in evaluation.WatchEvaluation(new WatchEvaluationRequest { Id = job.Id }).ResponseStream.ReadAllAsync())
        {
            last = message.Job;
            indices.AddRange(message.Replies.Select(reply => reply.Index));
        }
        Assert.Equal(JobState.Completed, last.State);
        Assert.Equal(10, last.Result.Questions);
        Assert.Equal(Enumerable.Range(0, 10), indices);
    }

    [Fact]
    public async Task Upload_InPartsOutOfOrder_IsVerifiedAndBecomesADataset()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        byte[] content = System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 1000).Select(i => $$"""{"prompt":"{{i}}","completion":"x"}""")));
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        BeginUploadRequest request = new() { Kind = UploadKind.Dataset, Name = "up", Files = { new FileEntry { Path = "rows.jsonl", SizeBytes = content.Length } } };
        Upload upload = await artifacts.BeginUploadAsync(request);
        int half = content.Length / 2;

        Upload afterOne = await WriteAsync(artifacts, upload.Id, content, half, content.Length - half);
        Assert.Equal(content.Length - half, afterOne.ReceivedBytes);
        Assert.Equal(upload.Id, (await artifacts.BeginUploadAsync(request)).Id);
        await Assert.ThrowsAsync<RpcException>(() => artifacts.CommitUploadAsync(new CommitUploadRequest { UploadId = upload.Id }).ResponseAsync);
        await WriteAsync(artifacts, upload.Id, content, 0, half);
        await artifacts.CommitUploadAsync(new CommitUploadRequest
        {
            UploadId = upload.Id, Files = { new FileEntry { Path = "rows.jsonl", Sha256 = Convert.ToHexString(SHA256.HashData(content)) } },
        });

        Dataset dataset = (await new Protocol.V1.Datasets.DatasetsClient(daemon.Channel).ListDatasetsAsync(new ListDatasetsRequest())).Datasets.Single();
        Assert.Equal(1000, dataset.Rows);
        using MemoryStream downloaded = new();
        string hash = "";
        await foreach (DownloadArtifactResponse part in artifacts.DownloadArtifact(new DownloadArtifactRequest { Owner = "dataset/up", Path = "up.jsonl", Offset = 100 }).ResponseStream.ReadAllAsync())
        {
            downloaded.Write(part.Data.Span);
            hash = part.Sha256;
        }
        Assert.Equal(content[100..], downloaded.ToArray());
        Assert.Equal(dataset.Sha256, hash);
    }

    [Fact]
    public async Task Download_OfAPathThatLeadsOut_IsNotFound()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        AsyncServerStreamingCall<DownloadArtifactResponse> call = new Protocol.V1.Artifacts.ArtifactsClient(daemon.Channel).DownloadArtifact(new DownloadArtifactRequest { Owner = "model/lema-tiny", Path = "../../lema-server.dll" });
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None))).StatusCode);
    }

    [Fact(DisplayName = "names")]
    public async Task AddModel_ThroughALinkOutOfTheRoot_IsRefused()
    {
        string root = Directory.CreateTempSubdirectory("lema-root-").FullName;
        string outside = Directory.CreateTempSubdirectory("lema-outside-").FullName;
        Directory.CreateSymbolicLink(Path.Combine(root, "link"), outside);
        await using TestDaemon daemon = await TestDaemon.StartAsync(change: options => options with { ModelRoots = [root] });
        Protocol.V1.Models.ModelsClient models = new(daemon.Channel);
        foreach (string folder in (string[])["link", outside, "../" + Path.GetFileName(outside)])
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => models.AddModelAsync(new AddModelRequest { Name = "m", Folder = folder }).ResponseAsync);
            Assert.True(refused.StatusCode is StatusCode.InvalidArgument or StatusCode.NotFound, refused.ToString());
        }
        Directory.Delete(root, recursive: true);
        Directory.Delete(outside);
    }

    [Fact]
    public async Task InspectModel_OfTheEmbeddedModel_ShowsItsUnits()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        ModelDetail detail = await new Protocol.V1.Models.ModelsClient(daemon.Channel).InspectModelAsync(new InspectModelRequest { Name = "lema-tiny" });
        Assert.Equal(3_737_856, detail.Model.Parameters);
        Assert.Equal(4, detail.Model.Layers);
        Assert.Contains("q_proj", detail.LinearModules);
        Assert.Contains(detail.Units, unit => unit.Name == "embedding");
    }

    [Fact]
    public async Task PreviewDataset_OfBuiltRows_MarksTheCompletionAsCarryingLoss()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        PreviewDatasetResponse preview = await new Protocol.V1.Datasets.DatasetsClient(daemon.Channel).PreviewDatasetAsync(new PreviewDatasetRequest { Name = "rows", Model = "lema-tiny", Count = 2 });
        Assert.Equal(20, preview.TotalRows);
        PreviewRow row = preview.Rows[0];
        string trained = string.Concat(row.Tokens.Where(token => token.CarriesLoss).Select(token => token.Text));
        Assert.StartsWith("[LEMA_REPLY]\nAnswer: ", trained, StringComparison.Ordinal);
        Assert.EndsWith("[/LEMA_REPLY]<|endoftext|>", trained, StringComparison.Ordinal);
    }

    private static async Task<Upload> WriteAsync(Protocol.V1.Artifacts.ArtifactsClient artifacts, string id, byte[] content, int offset, int length)
    {
        using AsyncClientStreamingCall<WriteUploadRequest, Upload> call = artifacts.WriteUpload();
        for (int at = offset; at < offset + length; at += 5_000)
        {
            int count = Math.Min(5_000, offset + length - at);
            await call.RequestStream.WriteAsync(new WriteUploadRequest { UploadId = id, Path = "rows.jsonl", Offset = at, Data = ByteString.CopyFrom(content, at, count) });
        }
        await call.RequestStream.CompleteAsync();
        return await call.ResponseAsync;
    }
}
