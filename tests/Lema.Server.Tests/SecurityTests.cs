using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Security;
using Lema.Server.Storage;
using Lema.Server.Tests.Fakes;
using Lema.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lema.Server.Tests;

public sealed class SecurityTests
{
    public static TheoryData<string> Methods => [.. MethodRoles.Served.SelectMany(file => file.Services).SelectMany(service => service.Methods).Select(method => $"/{method.Service.FullName}/{method.Name}")];

    [Fact]
    public void EveryMethod_OfEveryService_NamesTheRoleItNeeds()
    {
        MethodDescriptor[] methods = [.. MethodRoles.Served.SelectMany(file => file.Services).SelectMany(service => service.Methods)];
        Assert.True(methods.Length > 30);
        Assert.All(methods, method => Assert.NotNull(MethodRoles.Required($"/{method.Service.FullName}/{method.Name}")));
    }

    [Fact]
    public void Required_ForACallThatIsNotListed_IsNobodys() => Assert.Null(MethodRoles.Required("/lema.v1.Worker/Execute"));

    [Fact(DisplayName = "authentication")]
    public async Task EveryMethod_WithoutAToken_IsRefused()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        using HttpClient client = new() { DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (string path in ((IEnumerable<string>)Methods.Select(row => (string)row.Data!)).Concat(["/grpc.health.v1.Health/Check", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "/no.such/Method"]))
        {
            daemon.Services.GetRequiredService<FailureLimiter>().Forgive();
            using ByteArrayContent body = new([0, 0, 0, 0, 0]);
            body.Headers.ContentType = new("application/grpc");
            using HttpResponseMessage response = await client.PostAsync(new Uri(daemon.Address, path), body);
            Assert.True(response.Headers.TryGetValues("grpc-status", out IEnumerable<string>? status), path);
            Assert.Equal("16", status!.Single());
        }
    }

    [Fact(DisplayName = "roles")]
    public async Task EveryMethod_BelowItsRole_IsRefused()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        TokenStore tokens = daemon.Services.GetRequiredService<TokenStore>();
        Dictionary<Role, string> byRole = new() { [Role.Viewer] = await tokens.AddAsync("v", Role.Viewer), [Role.Operator] = await tokens.AddAsync("o", Role.Operator) };
        using HttpClient client = new() { DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (string path in Methods.Select(row => (string)row.Data!))
            foreach ((Role role, string token) in byRole.Where(pair => pair.Key < MethodRoles.Required(path)))
            {
                using ByteArrayContent body = new([0, 0, 0, 0, 0]);
                body.Headers.ContentType = new("application/grpc");
                using HttpRequestMessage request = new(HttpMethod.Post, new Uri(daemon.Address, path)) { Content = body };
                request.Headers.Authorization = new("Bearer", token);
                request.Version = new Version(2, 0);
                request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
                using HttpResponseMessage response = await client.SendAsync(request);
                Assert.True(response.Headers.TryGetValues("grpc-status", out IEnumerable<string>? status), $"{path} as {role}");
                Assert.Equal("7", status!.Single());
            }
    }

    [Fact]
    public async Task Health_WithAToken_IsServing()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        HealthCheckResponse health = await new Health.HealthClient(daemon.Channel).CheckAsync(new HealthCheckRequest());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Fact]
    public async Task AdminToken_AtFirstStart_IsPrivateAndKeptAsAHashOnly()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        string file = Path.Combine(daemon.Folder, "admin.token");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        string token = File.ReadAllText(file).Trim();
        Assert.Equal(5 + 64, token.Length);
        byte[] secret = System.Text.Encoding.ASCII.GetBytes(token[5..]);
        foreach (string database in Directory.GetFiles(daemon.Folder, "lema.db*"))
        {
            using FileStream stream = new(database, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            Assert.Equal(-1, bytes.AsSpan().IndexOf(secret));
        }
    }

    [Fact(DisplayName = "authentication: names of tokens")]
    public async Task Add_OfATokenThatIsThere_IsRefusedUntilThatOneIsRemoved()
    {
        using TemporaryFolder folder = new();
        using RunDatabase database = RunDatabase.Open(folder.File("lema.db"));
        TokenStore tokens = new(database, TimeProvider.System);
        string first = await tokens.AddAsync("one", Role.Viewer);
        await Assert.ThrowsAsync<ConflictException>(() => tokens.AddAsync("one", Role.Admin));
        await Assert.ThrowsAsync<InvalidInputException>(() => tokens.AddAsync("", Role.Admin));
        Assert.Contains("...", (await Assert.ThrowsAsync<InvalidInputException>(() => tokens.AddAsync(new string('a', 101), Role.Admin))).Message, StringComparison.Ordinal);
        Assert.Contains("'-'", (await Assert.ThrowsAsync<InvalidInputException>(() => tokens.AddAsync("-", Role.Admin))).Message, StringComparison.Ordinal);
        Assert.Equal(("one", Role.Viewer), tokens.List().Select(token => (token.Name, token.Role)).Single());
        await tokens.RemoveAsync("one");
        Assert.Null(tokens.Find(first));
        await Assert.ThrowsAsync<NotFoundException>(() => tokens.RemoveAsync("one"));
    }

    [Fact(DisplayName = "authentication: a token that has expired")]
    public async Task Token_AfterItsDays_IsUnknown()
    {
        using TemporaryFolder folder = new();
        Microsoft.Extensions.Time.Testing.FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
        using Storage.RunDatabase database = Storage.RunDatabase.Open(Path.Combine(folder.Path, "lema.db"));
        TokenStore tokens = new(database, clock);
        string token = await tokens.AddAsync("short", Role.Operator, TimeSpan.FromDays(2));

        Assert.Equal(new Principal("short", Role.Operator), tokens.Find(token));
        clock.Advance(TimeSpan.FromDays(2));
        Assert.Null(tokens.Find(token));
    }

    [Fact]
    public void DataFolder_MadeByTheDaemon_IsItsUsersAlone()
    {
        using TemporaryFolder folder = new();
        using Storage.DataFolder data = Storage.DataFolder.Open(Path.Combine(folder.Path, "data"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(data.Root));
    }

    [Fact]
    public async Task WrongToken_ManyTimes_BlocksTheAddressForAWhile()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        Protocol.V1.Host.HostClient guesser = new(daemon.Open("lema_wrong"));
        for (int i = 0; i < 10; i++)
            Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => guesser.GetHostInfoAsync(new GetHostInfoRequest()).ResponseAsync)).StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => guesser.GetHostInfoAsync(new GetHostInfoRequest()).ResponseAsync)).StatusCode);
    }

    [Fact(DisplayName = "audit")]
    public async Task Audit_OfChangesAndRefusals_NamesWhoAndWhatAndNoToken()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        await daemon.AddDatasetAsync("audited");
        await Assert.ThrowsAsync<RpcException>(() => new Protocol.V1.Host.HostClient(daemon.Open("lema_secretguess")).GetHostInfoAsync(new GetHostInfoRequest()).ResponseAsync);

        using FileStream stream = new(Path.Combine(daemon.Folder, "audit.jsonl"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        string log = await new StreamReader(stream).ReadToEndAsync();
        Assert.Contains("\"who\":\"admin\"", log, StringComparison.Ordinal);
        Assert.Contains("/lema.v1.Datasets/BuildDataset", log, StringComparison.Ordinal);
        Assert.Contains("\"target\":\"audited\"", log, StringComparison.Ordinal);
        Assert.Contains("Unauthenticated", log, StringComparison.Ordinal);
        Assert.DoesNotContain("secretguess", log, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "bind")]
    public async Task Listening_OnAnotherAddressThanLoopbackWithoutTls_IsRefused()
    {
        var refused = await Assert.ThrowsAsync<InvalidInputsException>(() => TestDaemon.StartAsync(change: options => options with { Urls = [new Uri("http://0.0.0.0:0")] }));
        Assert.Contains("TLS", refused.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "two daemons on one data folder")]
    public async Task TwoDaemons_OnOneDataFolder_TheSecondRefuses()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync();
        var refused = await Assert.ThrowsAsync<InvalidInputException>(() => TestDaemon.StartAsync(daemon.Folder));
        Assert.Contains("another daemon", refused.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "TLS")]
    public async Task Tls_SelfSigned_IsAcceptedByItsFingerprintAndNoOther()
    {
        await using TestDaemon daemon = await TestDaemon.StartAsync(change: options => options with
        {
            Urls = [new Uri("http://127.0.0.1:0"), new Uri("https://127.0.0.1:0")], Tls = new Hosting.TlsOptions { SelfSigned = true },
        });
        Uri secure = daemon.Addresses.Single(address => address.Scheme == "https");
        string token = File.ReadAllText(Path.Combine(daemon.Folder, "admin.token")).Trim();
        using var certificate = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(Path.Combine(daemon.Folder, "tls", "certificate.pem"));

        using GrpcChannel pinned = Protocol.Client.DaemonChannel.Create(new() { Address = secure, Token = token, Fingerprint = Protocol.Client.ServerCertificateCheck.FingerprintOf(certificate) });
        Assert.Equal("admin", (await new Protocol.V1.Host.HostClient(pinned).GetHostInfoAsync(new GetHostInfoRequest())).TokenName);

        using GrpcChannel chained = Protocol.Client.DaemonChannel.Create(new() { Address = secure, Token = token, CaFile = Path.Combine(daemon.Folder, "tls", "certificate.pem") });
        Assert.Equal("admin", (await new Protocol.V1.Host.HostClient(chained).GetHostInfoAsync(new GetHostInfoRequest())).TokenName);

        using GrpcChannel other = Protocol.Client.DaemonChannel.Create(new() { Address = secure, Token = token, Fingerprint = new string('0', 64) });
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => new Protocol.V1.Host.HostClient(other).GetHostInfoAsync(new GetHostInfoRequest()).ResponseAsync);
        Assert.Equal(Protocol.Client.FailureKind.Unreachable, Protocol.Client.Failure.From(refused).Kind);
        Assert.False(Protocol.Client.Failure.IsTransient(refused));
        Assert.Contains("certificate", Protocol.Client.Failure.From(refused).Message, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(daemon.Folder, "tls", "key.pem")));
    }
}
