using Grpc.Core;
using Grpc.Net.Client;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Server.Hosting;
using Lema.Server.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lema.Server.Tests.Fakes;

/// <summary>A daemon on a free port with a data folder of its own, and a channel to it with the admin's token. Its jobs run in this process on a fake engine.</summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    private readonly bool _ownsFolder;
    private readonly List<GrpcChannel> _channels = [];
    private readonly WebApplication _app;

    private TestDaemon(WebApplication app, string folder, bool ownsFolder, FakeJobRunner runner)
    {
        _app = app;
        _ownsFolder = ownsFolder;
        Folder = folder;
        Runner = runner;
        Addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address))];
        Channel = Open(File.ReadAllText(Path.Combine(folder, "admin.token")).Trim());
    }

    public string Folder { get; }

    public FakeJobRunner Runner { get; }

    public IReadOnlyList<Uri> Addresses { get; }

    public Uri Address => Addresses[0];

    public GrpcChannel Channel { get; }

    public IServiceProvider Services => _app.Services;

    public Training.TrainingClient Training => new(Channel);

    public static async Task<TestDaemon> StartAsync(
        string? folder = null, FakeJobRunner? runner = null, Func<Server.Hosting.DaemonOptions, Server.Hosting.DaemonOptions>? change = null, Action<IServiceCollection>? configure = null,
        bool realWorkers = false)
    {
        string data = folder ?? Directory.CreateTempSubdirectory("lema-test-").FullName;
        FakeJobRunner engine = runner ?? new FakeJobRunner();
        Server.Hosting.DaemonOptions options = new() { DataFolder = data, Urls = [new Uri("http://127.0.0.1:0")], MemoryBytes = 64L << 30, DrainLimit = TimeSpan.FromSeconds(10) };
        if (change is not null) options = change(options);
        WebApplication app = await DaemonHost.BuildAsync(options, services =>
        {
            if (!realWorkers) services.AddSingleton<IEngineWorkerFactory>(new InProcessWorkerFactory(engine));
            services.AddLogging(logging => logging.ClearProviders());
            configure?.Invoke(services);
        });
        await app.StartAsync();
        return new TestDaemon(app, data, folder is null, engine);
    }

    /// <summary>A channel with another token; null: with none.</summary>
    public GrpcChannel Open(string? token, Uri? address = null)
    {
        GrpcChannel channel = DaemonChannel.Create(new Protocol.Client.DaemonOptions { Address = address ?? Address, Token = token });
        _channels.Add(channel);
        return channel;
    }

    /// <summary>A dataset to train on.</summary>
    public async Task<string> AddDatasetAsync(string name = "rows")
    {
        await new Protocol.V1.Datasets.DatasetsClient(Channel).BuildDatasetAsync(new BuildDatasetRequest { Name = name, Rows = 20, HeldoutRows = 10 });
        return name;
    }

    /// <summary>Uploads rows.jsonl with this text as a dataset.</summary>
    public async Task<Dataset> UploadDatasetAsync(string name, string text)
    {
        byte[] content = System.Text.Encoding.UTF8.GetBytes(text);
        using AsyncClientStreamingCall<UploadDatasetRequest, Dataset> call = new Protocol.V1.Datasets.DatasetsClient(Channel).UploadDataset();
        await call.RequestStream.WriteAsync(new UploadDatasetRequest { Header = new UploadDatasetRequest.Types.Header { Name = name, FileName = "rows.jsonl", SizeBytes = content.Length } });
        await call.RequestStream.WriteAsync(new UploadDatasetRequest { Chunk = Google.Protobuf.ByteString.CopyFrom(content) });
        await call.RequestStream.CompleteAsync();
        return await call;
    }

    public async Task<RunDetail> StartRunAsync(int steps, Action<StartRunRequest>? change = null)
    {
        StartRunRequest request = new() { Model = "lema-tiny", Dataset = "rows", Settings = new RunSettings { Steps = steps, Checkpoint = new CheckpointSettings { EverySteps = 5 } } };
        change?.Invoke(request);
        return await Training.StartRunAsync(request);
    }

    /// <summary>A run of a dataset of its own that has come to its end.</summary>
    public async Task<RunDetail> TrainAsync(string name, int steps = 2)
    {
        await AddDatasetAsync();
        await StartRunAsync(steps, request => request.Name = name);
        await WaitForAsync(name, RunState.Completed);
        return await Training.GetRunAsync(new GetRunRequest { Run = name });
    }

    /// <summary>Waits for a state by watching.</summary>
    public async Task<RunSummary> WaitForAsync(string run, RunState state)
    {
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(4));
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(Training, new WatchRunRequest { Run = run, ProgressIntervalSeconds = 0.05 }, late.Token))
        {
            if (update is not StreamUpdate<WatchRunResponse>.Message { Value: var message }) continue;
            RunSummary now = message.Snapshot?.Run.Summary ?? message.Events.Run;
            if (now.State == state) return now;
        }
        RunDetail ended = await Training.GetRunAsync(new GetRunRequest { Run = run });
        Assert.Equal(state, ended.Summary.State);
        return ended.Summary;
    }

    /// <summary>Waits for a step by watching.</summary>
    public async Task UntilStepAsync(string run, long step)
    {
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(4));
        await foreach (StreamUpdate<WatchRunResponse> update in RunWatch.FollowAsync(Training, new WatchRunRequest { Run = run, AfterSequence = 0, ProgressIntervalSeconds = 0.05 }, late.Token))
            if (update is StreamUpdate<WatchRunResponse>.Message { Value.Events.Run: { } now } && now.Step >= step) return;
        Assert.Fail($"The run ended before step {step}.");
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (GrpcChannel channel in _channels) channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (_ownsFolder) Directory.Delete(Folder, recursive: true);
    }
}
