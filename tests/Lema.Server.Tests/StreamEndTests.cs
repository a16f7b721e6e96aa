using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Services;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Lema.Server.Tests;

/// <summary>Calls whose caller leaves, has waited long enough, or does not read.</summary>
public sealed class StreamEndTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact(DisplayName = "streams: a disconnect ends the handler at once and does not disturb the run")]
    public async Task Disconnect_OfAWatcher_EndsItsHandlerWithoutATimerAndTheRunGoesOn()
    {
        // Its timers never fire: what ends the handler is the disconnect alone.
        FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        await using TestDaemon daemon = await TestDaemon.StartAsync(configure: services => services.AddSingleton<TimeProvider>(clock));
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(2);
        RunDetail run = await daemon.StartRunAsync(5, request => request.Name = "watched");
        WatchLimits watchers = daemon.Services.GetRequiredService<WatchLimits>();
        AsyncServerStreamingCall<WatchRunResponse> one = daemon.Training.WatchRun(new WatchRunRequest { Run = "watched" });
        AsyncServerStreamingCall<WatchRunsResponse> all = daemon.Training.WatchRuns(new WatchRunsRequest());
        Assert.True(await one.ResponseStream.MoveNext(CancellationToken.None));
        Assert.True(await all.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(2, watchers.Count);

        one.Dispose();
        all.Dispose();

        await UntilAsync(() => watchers.Count == 0);
        gate.Release(10);
        await UntilAsync(() => daemon.Services.GetRequiredService<Runs.RunDirectory>().Get(run.Summary.Id).State == RunState.Completed);
    }

    [Fact(DisplayName = "deadlines are honoured")]
    public async Task Deadline_OfACallThatWaits_EndsItAndItsHandler()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(0);
        RunDetail run = await daemon.StartRunAsync(5);
        using AsyncServerStreamingCall<WatchRunResponse> watch = daemon.Training.WatchRun(new WatchRunRequest { Run = run.Summary.Id }, deadline: DateTime.UtcNow.AddSeconds(2));

        RpcException late = await Assert.ThrowsAsync<RpcException>(async () => { while (await watch.ResponseStream.MoveNext(CancellationToken.None)) { } });

        Assert.Equal(StatusCode.DeadlineExceeded, late.StatusCode);
        await UntilAsync(() => daemon.Services.GetRequiredService<WatchLimits>().Count == 0);
        gate.Release(10);
        await daemon.WaitForAsync(run.Summary.Id, RunState.Completed);
    }

    [Fact(DisplayName = "streams: a chat that is not read keeps nobody waiting for ever")]
    public async Task Chat_NotRead_IsEndedAfterTheWriteLimitAndTheNextIsAnswered()
    {
        FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        await using TestDaemon daemon = await TestDaemon.StartAsync(configure: services => services.AddSingleton<TimeProvider>(clock));
        Chat.ChatClient chat = new(daemon.Channel);
        // Far more than any buffer between the two holds.
        ChatRequest much = new() { Target = new ModelReference { Model = "lema-tiny" }, Prompts = { new ChatPrompt { Text = new string('x', 500_000) } } };
        using AsyncServerStreamingCall<ChatResponse> stuck = chat.Chat(much);
        // Until it is being answered: before that the next may overtake it.
        do Assert.True(await stuck.ResponseStream.MoveNext(CancellationToken.None));
        while (stuck.ResponseStream.Current.Delta is null);

        // Answered one after another: this one waits for the one that is not read.
        Task<string> next = SayAsync(chat, "on");
        DateTimeOffset start = clock.GetUtcNow();
        using CancellationTokenSource late = new(Patience);
        while (!next.IsCompleted)
        {
            late.Token.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.WhenAny(next, Task.Delay(10, late.Token));
        }

        Assert.Equal("echo on", await next);
        Assert.True(clock.GetUtcNow() - start >= PatientWriter.Limit, $"ended after {clock.GetUtcNow() - start}");
    }

    [Fact(DisplayName = "streams: a download that is not read ends")]
    public async Task Download_NotRead_IsEndedAfterTheWriteLimitAndGoesOnFromWhereItWas()
    {
        FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        await using TestDaemon daemon = await TestDaemon.StartAsync(configure: services => services.AddSingleton<TimeProvider>(clock));
        // Far more than any buffer between the two holds.
        string row = $$"""{"prompt":"{{new string('x', 100_000)}}","completion":"y"}""" + "\n";
        const int rows = 300;
        await UploadAsync(daemon, "large", row, rows);
        Protocol.V1.Artifacts.ArtifactsClient artifacts = new(daemon.Channel);
        DownloadArtifactRequest request = new() { Owner = "dataset/large", Path = "large.jsonl" };
        using AsyncServerStreamingCall<DownloadArtifactResponse> stuck = artifacts.DownloadArtifact(request);
        Assert.True(await stuck.ResponseStream.MoveNext(CancellationToken.None));
        long have = stuck.ResponseStream.Current.Data.Length, size = stuck.ResponseStream.Current.SizeBytes;
        string file = Directory.GetFiles(Path.Combine(daemon.Folder, "datasets")).Single();
        Assert.True(IsOpen(file));

        DateTimeOffset start = clock.GetUtcNow();
        using CancellationTokenSource late = new(Patience);
        while (IsOpen(file))
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(10, late.Token);
        }
        Assert.True(clock.GetUtcNow() - start >= PatientWriter.Limit, $"ended after {clock.GetUtcNow() - start}");

        await Assert.ThrowsAsync<RpcException>(async () => { while (await stuck.ResponseStream.MoveNext(late.Token)) have += stuck.ResponseStream.Current.Data.Length; });
        Assert.InRange(have, 1, size - 1);
        request.Offset = have;
        await foreach (DownloadArtifactResponse part in artifacts.DownloadArtifact(request, cancellationToken: late.Token).ResponseStream.ReadAllAsync(late.Token)) have += part.Data.Length;
        Assert.Equal((long)row.Length * rows, have);
    }

    private static bool IsOpen(string file)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Open files are looked up on Linux alone.");
        return Directory.EnumerateFiles("/proc/self/fd").Any(open => new FileInfo(open).LinkTarget == file);
    }

    private static async Task UploadAsync(TestDaemon daemon, string name, string row, int rows)
    {
        using AsyncClientStreamingCall<UploadDatasetRequest, Dataset> call = new Protocol.V1.Datasets.DatasetsClient(daemon.Channel).UploadDataset();
        await call.RequestStream.WriteAsync(new UploadDatasetRequest { Header = new UploadDatasetRequest.Types.Header { Name = name, FileName = "rows.jsonl", SizeBytes = (long)row.Length * rows } });
        for (int i = 0; i < rows; i++) await call.RequestStream.WriteAsync(new UploadDatasetRequest { Chunk = Google.Protobuf.ByteString.CopyFromUtf8(row) });
        await call.RequestStream.CompleteAsync();
        await call;
    }

    private static async Task<string> SayAsync(Chat.ChatClient chat, string text)
    {
        string reply = "";
        await foreach (ChatResponse response in chat.Chat(new ChatRequest { Target = new ModelReference { Model = "lema-tiny" }, Prompts = { new ChatPrompt { Text = text } } }).ResponseStream.ReadAllAsync())
            if (response.Completion is { } completion) reply = completion.Text;
        return reply;
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using CancellationTokenSource late = new(Patience);
        while (!holds()) await Task.Delay(10, late.Token);
    }
}
