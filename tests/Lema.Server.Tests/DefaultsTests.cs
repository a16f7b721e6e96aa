using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dapper;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Reflection.V1Alpha;
using Lema.Protocol.V1;
using Lema.Server.Security;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Lema.Server.Tests;

/// <summary>What the daemon insists on when nobody has said anything.</summary>
public sealed class DefaultsTests
{
    [Fact(DisplayName = "limits")]
    public async Task Limits_OfWatchersAndMessages_AreKept()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync();
        using SemaphoreSlim gate = daemon.Runner.Gate = new SemaphoreSlim(0);
        RunDetail run = await daemon.StartRunAsync(5);
        using CancellationTokenSource leave = new(TimeSpan.FromMinutes(2));
        List<AsyncServerStreamingCall<WatchRunResponse>> watches = [];
        for (int i = 0; i < Services.WatchLimits.MostOfOne; i++)
        {
            watches.Add(daemon.Training.WatchRun(new WatchRunRequest { Run = run.Summary.Id }, cancellationToken: leave.Token));
            await watches[^1].ResponseHeadersAsync;
        }
        AsyncServerStreamingCall<WatchRunResponse> oneMore = daemon.Training.WatchRun(new WatchRunRequest { Run = run.Summary.Id }, cancellationToken: leave.Token);
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => oneMore.ResponseStream.MoveNext(leave.Token))).StatusCode);

        AsyncUnaryCall<RunDetail> large = daemon.Training.StartRunAsync(new StartRunRequest { Name = new string('x', 5 << 20) }, cancellationToken: leave.Token);
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => large.ResponseAsync)).StatusCode);
        await leave.CancelAsync();
        gate.Release(100);
    }

    [Fact(DisplayName = "limits: a client that is gone without a word is noticed by pings")]
    public async Task Kestrel_Connections_ArePinged()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Http2Limits http2 = daemon.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits.Http2;
        Assert.InRange(http2.KeepAlivePingDelay, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Assert.InRange(http2.KeepAlivePingTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
    }

    [Fact(DisplayName = "reflection: whoever has a token is told every service")]
    public async Task Reflection_WithAToken_ListsTheServices()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        using AsyncDuplexStreamingCall<ServerReflectionRequest, ServerReflectionResponse> call =
            new ServerReflection.ServerReflectionClient(daemon.Channel).ServerReflectionInfo(deadline: DateTime.UtcNow.AddMinutes(1));
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        string[] told = [.. call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name)];
        Assert.Empty(MethodRoles.Served.SelectMany(file => file.Services).Select(service => service.FullName).Except(told));
        await call.RequestStream.CompleteAsync();
    }

    [Fact(DisplayName = "database")]
    public async Task Database_OfADaemon_IsWriteAheadLoggedAndSynchronous()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        using var connection = daemon.Services.GetRequiredService<RunDatabase>().Connect();
        Assert.Equal("wal", connection.QueryFirst<string>("PRAGMA journal_mode"));
        Assert.Equal(2, connection.QueryFirst<int>("PRAGMA synchronous"));
        Assert.Equal("ok", connection.QueryFirst<string>("PRAGMA integrity_check"));
    }

    [Fact(DisplayName = "bind: nothing but the command line adds an address")]
    public async Task Addresses_InSettingsOfTheEnvironment_AreNotServed()
    {
        using TemporaryFolder folder = new();
        string data = Path.Combine(folder.Path, "data");
        using System.Net.Sockets.TcpListener free = new(System.Net.IPAddress.Loopback, 0);
        free.Start();
        int port = ((System.Net.IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        using Faults.DaemonProcess daemon = await Faults.DaemonProcess.StartAsync(data, ("Kestrel__Endpoints__Open__Url", $"http://127.0.0.1:{port}"), ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"));
        using GrpcChannel channel = daemon.Open(data);
        Assert.Equal("admin", (await new Protocol.V1.Host.HostClient(channel).GetHostInfoAsync(new GetHostInfoRequest())).TokenName);

        using System.Net.Sockets.TcpClient probe = new();
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => probe.ConnectAsync(System.Net.IPAddress.Loopback, port));
    }

    [Fact(DisplayName = "authentication: a right token passes while wrong ones from its address are blocked")]
    public async Task RightToken_WhileItsAddressIsBlocked_Passes()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        FailureLimiter limiter = daemon.Services.GetRequiredService<FailureLimiter>();
        for (int i = 0; i < 20; i++) limiter.RecordFailure(System.Net.IPAddress.Loopback);
        Assert.Equal("admin", (await new Protocol.V1.Host.HostClient(daemon.Channel).GetHostInfoAsync(new GetHostInfoRequest())).TokenName);
    }

    [Fact(DisplayName = "TLS: mutual")]
    public async Task MutualTls_WithoutACertificateOfTheAuthority_IsRefused()
    {
        string folder = Directory.CreateTempSubdirectory("lema-mtls-").FullName;
        using X509Certificate2 authority = Authority("Lema test authority"), stranger = Authority("somebody else");
        string ca = Path.Combine(folder, "ca.pem"), right = WriteClient(folder, "right", authority), wrong = WriteClient(folder, "wrong", stranger);
        File.WriteAllText(ca, authority.ExportCertificatePem());
        await using (TestDaemon daemon = await TestDaemon.StartAsync(change: options => options with
        {
            Urls = [new Uri("http://127.0.0.1:0"), new Uri("https://127.0.0.1:0")], Tls = new Hosting.TlsOptions { SelfSigned = true, ClientCaFile = ca },
        }))
        {
            Assert.Equal("admin", await AskAsync(daemon, right));
            await Assert.ThrowsAsync<RpcException>(() => AskAsync(daemon, wrong));
            await Assert.ThrowsAsync<RpcException>(() => AskAsync(daemon, null));
        }
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<string> AskAsync(TestDaemon daemon, string? clientCertificate)
    {
        using GrpcChannel channel = Protocol.Client.DaemonChannel.Create(new()
        {
            Address = daemon.Addresses.Single(address => address.Scheme == "https"), TokenFile = Path.Combine(daemon.Folder, "admin.token"),
            CaFile = Path.Combine(daemon.Folder, "tls", "certificate.pem"), ClientCertificateFile = clientCertificate, ClientKeyFile = clientCertificate,
        });
        return (await new Protocol.V1.Host.HostClient(channel).GetHostInfoAsync(new GetHostInfoRequest(), deadline: DateTime.UtcNow.AddMinutes(1))).TokenName;
    }

    private static X509Certificate2 Authority(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static string WriteClient(string folder, string name, X509Certificate2 authority)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.Create(authority, DateTimeOffset.UtcNow.AddMinutes(-30), DateTimeOffset.UtcNow.AddHours(12), RandomNumberGenerator.GetBytes(8));
        string file = Path.Combine(folder, name + ".pem");
        File.WriteAllText(file, certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        return file;
    }
}
