using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Monitoring;
using Lema.Server.Tests.Fakes;
using Lema.Server.Tests.Faults;
using Lema.Server.Workers;
using Lema.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lema.Server.Tests;

/// <summary>What the daemon tells of itself, and that telling it does no harm.</summary>
public sealed class MonitoringTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Sampling_OfAWorkerThatIsGone_GoesOnAndSoDoesTheDaemon()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        HostSampler sampler = daemon.Services.GetRequiredService<HostSampler>();
        Gone gone = new();
        using (daemon.Services.GetRequiredService<WorkerBoard>().Add("gone", gone, givenBytes: 1)) await gone.Asked.Task.WaitAsync(Patience);
        Google.Protobuf.WellKnownTypes.Timestamp? before = sampler.Last(1).LastOrDefault()?.Time;

        using CancellationTokenSource late = new(Patience);
        while (sampler.Last(1).LastOrDefault()?.Time is not { } now || now.Equals(before)) await Task.Delay(50, late.Token);

        Assert.Equal("admin", (await new Protocol.V1.Host.HostClient(daemon.Channel).GetHostInfoAsync(new GetHostInfoRequest())).TokenName);
    }

    [Fact]
    public async Task Watchdog_WhenNobodyListens_DoesNotEndTheDaemon()
    {
        using TemporaryFolder folder = new();
        using DaemonProcess daemon = await DaemonProcess.StartAsync(Path.Combine(folder.Path, "data"), ("NOTIFY_SOCKET", Path.Combine(folder.Path, "nobody")), ("WATCHDOG_USEC", "20000"));
        using var channel = daemon.Open(Path.Combine(folder.Path, "data"));
        Protocol.V1.Host.HostClient host = new(channel);
        for (int i = 0; i < 20; i++)
        {
            await host.GetHostInfoAsync(new GetHostInfoRequest(), deadline: DateTime.UtcNow.Add(Patience));
            await Task.Delay(20);
        }
        daemon.Terminate();
        Assert.Equal(0, await daemon.WaitForExitAsync());
    }

    [Fact(DisplayName = "OpenTelemetry: metrics and traces go to the collector that is named, without a token")]
    public async Task Telemetry_WithACollector_GetsMetricsAndTracesAndNoToken()
    {
        using TemporaryFolder folder = new();
        string data = Path.Combine(folder.Path, "data");
        using HttpListener collector = new();
        int port = FreePort();
        collector.Prefixes.Add($"http://127.0.0.1:{port}/");
        collector.Start();
        using DaemonProcess daemon = await DaemonProcess.StartAsync(data, ("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{port}"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500"), ("OTEL_BSP_SCHEDULE_DELAY", "500"));
        using var channel = daemon.Open(data);
        await new Protocol.V1.Host.HostClient(channel).GetHostInfoAsync(new GetHostInfoRequest(), deadline: DateTime.UtcNow.Add(Patience));
        string token = (await File.ReadAllTextAsync(Path.Combine(data, "admin.token"))).Trim();

        HashSet<string> paths = [];
        string sent = "";
        using CancellationTokenSource late = new(Patience);
        // What is measured comes in with the daemon's parts, not all in the first message.
        while (!(paths.IsSupersetOf(["/v1/metrics", "/v1/traces"]) && sent.Contains("lema.memory.free", StringComparison.Ordinal) && sent.Contains("GetHostInfo", StringComparison.Ordinal)))
        {
            HttpListenerContext call = await collector.GetContextAsync().WaitAsync(late.Token);
            using MemoryStream body = new();
            await call.Request.InputStream.CopyToAsync(body, late.Token);
            sent += Encoding.Latin1.GetString(body.ToArray());
            paths.Add(call.Request.Url!.AbsolutePath);
            call.Response.Close();
        }
        Assert.DoesNotContain(token, sent, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "logs hold no secret")]
    public async Task Logs_OfRightAndWrongCalls_HoldNoTokenAndNoContent()
    {
        Lines lines = new();
        // Everything there is, not only what an operator sees.
        await using (TestDaemon daemon = await TestDaemon.StartAsync(configure: services => services.AddLogging(logging => logging.AddProvider(lines).AddFilter<Lines>(null, LogLevel.Debug))))
        {
            await daemon.AddDatasetAsync();
            Chat.ChatClient chat = new(daemon.Channel);
            await foreach (ChatResponse _ in chat.Chat(new ChatRequest { Target = new ModelReference { Model = "lema-tiny" }, Prompts = { new ChatPrompt { Text = "a private question" } } }).ResponseStream.ReadAllAsync()) { }
            await Assert.ThrowsAsync<RpcException>(() => new Protocol.V1.Host.HostClient(daemon.Open("lema_wrongguess")).GetHostInfoAsync(new GetHostInfoRequest()).ResponseAsync);
            string token = (await File.ReadAllTextAsync(Path.Combine(daemon.Folder, "admin.token"))).Trim();
            string all = lines.Text;
            Assert.Contains("Lema.Server", all, StringComparison.Ordinal);
            foreach (string secret in (string[])[token, "wrongguess", "private question"]) Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
        }
    }

    [Fact(DisplayName = "logs: a line of JSON each, also where a call fails inside, and no secret")]
    public async Task Output_OfADaemonThatIsNoTerminal_IsJsonLineByLineWithoutSecrets()
    {
        using TemporaryFolder folder = new();
        string data = Path.Combine(folder.Path, "data"), token;
        string[] lines;
        using (DaemonProcess daemon = await DaemonProcess.StartAsync(data))
        using (var channel = daemon.Open(data))
        using (var stranger = Protocol.Client.DaemonChannel.Create(new() { Address = daemon.Address, Token = "lema_wrongguess" }))
        {
            DateTime late = DateTime.UtcNow.Add(Patience);
            token = (await File.ReadAllTextAsync(Path.Combine(data, "admin.token"))).Trim();
            Protocol.V1.Artifacts.ArtifactsClient artifacts = new(channel);
            byte[] rows = Encoding.UTF8.GetBytes("""{"prompt":"a private row","completion":"of somebody"}""" + "\n");
            Upload upload = await artifacts.BeginUploadAsync(new BeginUploadRequest { Kind = UploadKind.Dataset, Name = "rows", Files = { new FileEntry { Path = "rows.jsonl", SizeBytes = rows.Length } } }, deadline: late);
            // Something that only the log tells of, with a stack of many lines.
            await File.WriteAllBytesAsync(Path.Combine(data, "uploads", upload.Id, "state"), [0xff, 0xff]);
            Assert.Equal(StatusCode.Internal, (await Assert.ThrowsAsync<RpcException>(() => artifacts.GetUploadAsync(new GetUploadRequest { UploadId = upload.Id }, deadline: late).ResponseAsync)).StatusCode);
            await Assert.ThrowsAsync<RpcException>(() => new Protocol.V1.Host.HostClient(stranger).GetHostInfoAsync(new GetHostInfoRequest(), deadline: late).ResponseAsync);
            await foreach (ChatResponse _ in new Chat.ChatClient(channel).Chat(new ChatRequest
            {
                Target = new ModelReference { Model = "lema-tiny" }, Prompts = { new ChatPrompt { Text = "a private question" } }, Sampling = new SamplingSettings { MaxTokens = 4 },
            }, deadline: late).ResponseStream.ReadAllAsync()) { }
            daemon.Terminate();
            Assert.Equal(0, await daemon.WaitForExitAsync());
            lines = await daemon.OutputAsync();
        }

        // What people, and programs that start a daemon, wait for.
        string[] logged = [.. lines.Where(line => !line.StartsWith("Listening on ", StringComparison.Ordinal) && !line.StartsWith("Token file: ", StringComparison.Ordinal))];
        Assert.Equal(lines.Length - 2, logged.Length);
        System.Text.Json.JsonElement[] entries = [.. logged.Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement)];
        Assert.All(entries, entry => Assert.All((string[])["Timestamp", "LogLevel", "Category", "Message"], name => Assert.Equal(System.Text.Json.JsonValueKind.String, entry.GetProperty(name).ValueKind)));
        Assert.Contains(entries, entry => entry.GetProperty("LogLevel").GetString() == "Error" && entry.TryGetProperty("Exception", out var stack) && stack.GetString()!.Contains('\n', StringComparison.Ordinal));
        Assert.Contains(entries, entry => entry.GetProperty("Message").GetString()!.StartsWith("Worker ", StringComparison.Ordinal));
        foreach (string secret in (string[])[token, token[5..], "wrongguess", "a private"]) Assert.DoesNotContain(lines, line => line.Contains(secret, StringComparison.Ordinal));
    }

    private static int FreePort()
    {
        using System.Net.Sockets.TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>A worker whose process has ended and been let go of.</summary>
    private sealed class Gone : IEngineWorker
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int? ProcessId
        {
            get
            {
                Asked.TrySetResult();
                throw new InvalidOperationException("No process is associated with this object.");
            }
        }

        public async IAsyncEnumerable<WorkerEvent> ExecuteAsync(WorkerJob job, [EnumeratorCancellation] CancellationToken stop)
        {
            await Task.CompletedTask;
            yield break;
        }

        public Task StopJobAsync(bool discard, CancellationToken stop) => Task.CompletedTask;

        public async IAsyncEnumerable<ChatResponse> GenerateAsync(GenerateRepliesRequest request, [EnumeratorCancellation] CancellationToken stop)
        {
            await Task.CompletedTask;
            yield break;
        }

        public Task<PingResponse> PingAsync(CancellationToken stop) => Task.FromResult(new PingResponse());

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>Keeps every line with its category and values.</summary>
    [ProviderAlias("Lines")]
    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly StringBuilder _text = new();

        public string Text
        {
            get { lock (_text) return _text.ToString(); }
        }

        public ILogger CreateLogger(string categoryName)
        {
            lock (_text) _text.AppendLine(categoryName);
            return this;
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_text) _text.AppendLine(formatter(state, exception)).AppendLine(exception?.ToString());
        }

        public void Dispose()
        {
        }
    }
}
