using System.Net;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Lema.Protocol.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lema.Web.Tests.Fakes;

/// <summary>A daemon without an engine, on a real socket: what it answers is what a test put into it. It can go away and come back at its address.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    public const string Token = "fake-daemon-token-0123456789abcdef";

    private WebApplication? _app;

    public Dictionary<string, FakeRun> Runs { get; } = [];

    public List<Dataset> Datasets { get; } = [];

    public List<Model> Models { get; } = [];

    public List<Export> Exports { get; } = [];

    /// <summary>Pieces of the reply to a question; the base model has another than a run.</summary>
    public Func<ChatRequest, IReadOnlyList<string>> Reply { get; set; } = _ => ["Hello", "."];

    /// <summary>Replies have all their pieces and wait for this before they are complete.</summary>
    public Task RepliesEnd { get; set; } = Task.CompletedTask;

    /// <summary>Completed when somebody has left a reply before its end.</summary>
    public TaskCompletionSource ReplyLeft { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Watches of single runs that are open now.</summary>
    public int OpenRunWatches;

    public List<StartRunRequest> Started { get; } = [];

    /// <summary>What every estimate answers.</summary>
    public Estimate Estimate { get; set; } = new() { Fits = true };

    /// <summary>How an estimate is made, where it is not <see cref="Estimate"/> at once.</summary>
    public Func<Task<Estimate>>? Estimating { get; set; }

    public TelemetrySample Sample { get; set; } = new();

    public int Port { get; private set; }

    public string Address => $"http://127.0.0.1:{Port}";

    public async Task StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, Port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc(options => options.Interceptors.Add<TokenInterceptor>());
        builder.Services.AddSingleton(this);
        _app = builder.Build();
        _app.MapGrpcService<FakeTraining>();
        _app.MapGrpcService<FakeHost>();
        _app.MapGrpcService<FakeChat>();
        _app.MapGrpcService<FakeModels>();
        _app.MapGrpcService<FakeDatasets>();
        _app.MapGrpcService<FakeExports>();
        _app.MapGrpcService<FakeTelemetry>();
        await _app.StartAsync();
        Port = new Uri(_app.Urls.First()).Port;
    }

    /// <summary>Cuts every connection, as a killed daemon does.</summary>
    public async Task StopAsync()
    {
        if (_app is null) return;
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _app = null;
    }

    public ValueTask DisposeAsync() => new(StopAsync());

    private sealed class TokenInterceptor : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> next)
        {
            Check(context);
            return next(request, context);
        }

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request, IServerStreamWriter<TResponse> stream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> next)
        {
            Check(context);
            return next(request, stream, context);
        }

        private static void Check(ServerCallContext context)
        {
            if (context.RequestHeaders.GetValue("authorization") != "Bearer " + Token) throw new RpcException(new Status(StatusCode.Unauthenticated, "unknown token"));
        }
    }
}
