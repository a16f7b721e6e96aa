using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lema.Cli.Tests.Fakes;

/// <summary>A daemon on a loopback port whose services a test scripts. Real sockets, real HTTP/2, no engine.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly WebApplication _application;

    private FakeDaemon(WebApplication application) => _application = application;

    public FakeTraining Training => Service<FakeTraining>();

    public FakeModels Models => Service<FakeModels>();

    public FakeDatasets Datasets => Service<FakeDatasets>();

    public FakeChat Chat => Service<FakeChat>();

    public FakeArtifacts Artifacts => Service<FakeArtifacts>();

    public FakeJobs Evaluation => Service<FakeJobs>();

    public FakeExports Exports => Service<FakeExports>();

    public FakeHost Host => Service<FakeHost>();

    /// <summary>What every call saw.</summary>
    public CallLog Calls => Service<CallLog>();

    public string Address => _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <param name="certificate">Null: clear text.</param>
    public static async Task<FakeDaemon> StartAsync(X509Certificate2? certificate = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (certificate is not null) listen.UseHttps(certificate);
        }));
        builder.Services.AddSingleton<CallLog>();
        builder.Services.AddGrpc(grpc => grpc.Interceptors.Add<CallLog>());
        foreach (Type service in new[] { typeof(FakeTraining), typeof(FakeModels), typeof(FakeDatasets), typeof(FakeChat), typeof(FakeArtifacts), typeof(FakeJobs), typeof(FakeExports), typeof(FakeHost) })
        {
            builder.Services.AddSingleton(service);
        }
        WebApplication application = builder.Build();
        application.MapGrpcService<FakeTraining>();
        application.MapGrpcService<FakeModels>();
        application.MapGrpcService<FakeDatasets>();
        application.MapGrpcService<FakeChat>();
        application.MapGrpcService<FakeArtifacts>();
        application.MapGrpcService<FakeJobs>();
        application.MapGrpcService<FakeExports>();
        application.MapGrpcService<FakeHost>();
        await application.StartAsync();
        return new FakeDaemon(application);
    }

    /// <summary>Runs a command line against this daemon.</summary>
    public Task<int> RunAsync(TestTerminal terminal, params string[] arguments) => terminal.RunAsync([.. arguments, "--host", Address]);

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }

    private T Service<T>() where T : notnull => _application.Services.GetRequiredService<T>();
}

/// <summary>Notes every call, and fails all of them with <see cref="Failure"/> when it is set.</summary>
internal sealed class CallLog : Interceptor
{
    private readonly List<(string Method, string? Authorization)> _calls = [];

    public RpcException? Failure { get; set; }

    public IReadOnlyList<(string Method, string? Authorization)> All
    {
        get
        {
            lock (_calls) return [.. _calls];
        }
    }

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        Note(context);
        return continuation(request, context);
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Note(context);
        return continuation(request, responseStream, context);
    }

    private void Note(ServerCallContext context)
    {
        lock (_calls) _calls.Add((context.Method.Split('/')[^1], context.RequestHeaders.GetValue("authorization")));
        if (Failure is not null) throw Failure;
    }
}
