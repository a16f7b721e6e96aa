using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Jobs;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Lema.Server.Tests;

/// <summary>Who has the memory for a chat: a worker of its own for some minutes, or the run's worker where the run has it all.</summary>
public sealed class ChatMemoryTests
{
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Chat_ThatNobodyGoesOnWith_GivesItsMemoryBackAfterFiveMinutes()
    {
        FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        await using TestDaemon daemon = await TestDaemon.StartAsync(configure: services => services.AddSingleton<TimeProvider>(clock));
        MemoryLedger memory = daemon.Services.GetRequiredService<MemoryLedger>();
        await SayAsync(daemon, new ModelReference { Model = "lema-tiny" });
        Task released = memory.NextRelease;
        Assert.Single(memory.Reservations);

        TimeSpan passed = TimeSpan.Zero, step = TimeSpan.FromSeconds(30);
        while (passed < TimeSpan.FromMinutes(20) && !released.IsCompleted)
        {
            clock.Advance(step);
            passed += step;
            // The timer begins when the daemon has seen the call end.
            await Task.WhenAny(released, Task.Delay(TimeSpan.FromMilliseconds(50)));
        }

        Assert.InRange(passed, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(19));
        Assert.Empty(memory.Reservations);
    }

    [Fact]
    public async Task Chat_WithACheckpointOfARunThatHasTheMemory_IsAnsweredByTheRunsWorker()
    {
        await using TestDaemon daemon = await StartSmallAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(7);
        string run = await StartRunAsync(daemon);
        await daemon.UntilStepAsync(run, 7);

        Assert.Equal("echo a", await SayAsync(daemon, new ModelReference { Run = run, Checkpoint = "5" }));
        Assert.Equal("echo a", await SayAsync(daemon, new ModelReference { Run = run, BaseOnly = true }));
        Assert.Single(daemon.Services.GetRequiredService<MemoryLedger>().Reservations);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => SayAsync(daemon, new ModelReference { Model = "lema-tiny" }));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);

        gate.Release(100);
        await daemon.WaitForAsync(run, RunState.Completed);
    }

    [Fact]
    public async Task Chat_ThatWaitsForARunThatEnds_GetsAWorkerOfItsOwn()
    {
        await using TestDaemon daemon = await StartSmallAsync();
        TaskCompletionSource inStep = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using ManualResetEventSlim goOn = new();
        daemon.Runner.BeforeStep = step =>
        {
            if (step != 8) return;
            inStep.SetResult();
            goOn.Wait(Late);
        };
        string run = await StartRunAsync(daemon);
        await inStep.Task.WaitAsync(Late);
        // The checkpoint of step 5 is on record then.
        await daemon.UntilStepAsync(run, 7);

        TaskCompletionSource waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<string> reply = SayAsync(daemon, new ModelReference { Run = run, Checkpoint = "5" }, progress =>
        {
            if (progress.Phase.StartsWith("waiting", StringComparison.Ordinal)) waiting.TrySetResult();
        });
        Assert.Same(waiting.Task, await Task.WhenAny(waiting.Task, reply).WaitAsync(Late));
        await daemon.Training.StopRunAsync(new StopRunRequest { Run = run });
        goOn.Set();

        Assert.Equal("echo a", await reply.WaitAsync(Late));
        Assert.Contains(daemon.Services.GetRequiredService<MemoryLedger>().Reservations, reservation => reservation.Job.StartsWith("chat", StringComparison.Ordinal));
    }

    /// <summary>Room for one of the two: the run or a chat.</summary>
    private static async Task<TestDaemon> StartSmallAsync()
    {
        TestDaemon daemon = await TestDaemon.StartAsync(change: options => options with { MemoryBytes = 1 << 30 });
        await daemon.AddDatasetAsync();
        return daemon;
    }

    private static async Task<string> StartRunAsync(TestDaemon daemon) =>
        (await daemon.StartRunAsync(20, request => request.Settings.Memory = new MemorySettings { TotalBytes = 900L << 20 })).Summary.Id;

    private static async Task<string> SayAsync(TestDaemon daemon, ModelReference target, Action<Progress>? onProgress = null)
    {
        string text = "";
        using CancellationTokenSource late = new(Late);
        ChatRequest request = new() { Target = target, Prompts = { new ChatPrompt { Text = "a" } } };
        await foreach (ChatResponse response in new Chat.ChatClient(daemon.Channel).Chat(request, cancellationToken: late.Token).ResponseStream.ReadAllAsync())
        {
            if (response.Progress is { } progress) onProgress?.Invoke(progress);
            if (response.Completion is { } completion) text = completion.Text;
        }
        return text;
    }
}
