using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lema.Cli.Tests.Fakes;

namespace Lema.Cli.Tests.Hosts;

/// <summary>Addresses that do not match what listens there: what the user reads, and that it comes at once.</summary>
public sealed class WrongHostTests
{
    private static readonly string[] Train = ["train", "--model", "lema-tiny", "--dataset", "replies", "--set", "steps=3", "--detach"];

    [Theory]
    [InlineData("host", "check")]
    [InlineData("run", "list")]
    [InlineData("train", "--model", "lema-tiny", "--dataset", "replies", "--set", "steps=3", "--detach")]
    public async Task Run_HttpsToAClearTextPort_SaysSoAndNamesTheRightAddress(params string[] command)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        string authority = new Uri(daemon.Address).Authority;

        Assert.Equal(4, await terminal.RunAsync([.. command, "--host", $"https://{authority}"]));

        Assert.Contains($"{authority} speaks clear text, no TLS.", terminal.Out + terminal.Error, StringComparison.Ordinal);
        Assert.Contains($"Use http://{authority}.", terminal.Out + terminal.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("certificate", terminal.Out + terminal.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("host", "check")]
    [InlineData("run", "list")]
    [InlineData("train", "--model", "lema-tiny", "--dataset", "replies", "--set", "steps=3", "--detach")]
    public async Task Run_HttpToATlsPort_SaysSoAndNamesTheRightAddress(params string[] command)
    {
        using X509Certificate2 certificate = SelfSigned();
        await using FakeDaemon daemon = await FakeDaemon.StartAsync(certificate);
        using TestTerminal terminal = new();
        string authority = new Uri(daemon.Address).Authority;

        Assert.Equal(4, await terminal.RunAsync([.. command, "--host", $"http://{authority}"]));

        Assert.Contains($"{authority} speaks TLS.", terminal.Out + terminal.Error, StringComparison.Ordinal);
        Assert.Contains($"Use https://{authority}.", terminal.Out + terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_UnknownCertificate_ShowsItsFingerprintWithWhichTheHostIsTrusted()
    {
        using X509Certificate2 certificate = SelfSigned();
        string fingerprint = certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();
        await using FakeDaemon daemon = await FakeDaemon.StartAsync(certificate);
        using TestTerminal terminal = new();
        string address = $"https://{new Uri(daemon.Address).Authority}";

        Assert.Equal(4, await terminal.RunAsync([.. Train, "--host", address]));
        Assert.Contains($"Its SHA-256 is {fingerprint}", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(4, await terminal.RunAsync("host", "check", address));
        Assert.Contains("FAIL  trust", terminal.Out, StringComparison.Ordinal);
        Assert.Contains($"lema-remote host add NAME {address} --fingerprint {fingerprint}", terminal.Out, StringComparison.Ordinal);

        Assert.Equal(0, await terminal.RunAsync("host", "add", "lab", address, "--fingerprint", fingerprint));
        Assert.Equal(0, await terminal.RunAsync("host", "check", "lab"));
        Assert.Equal(0, await terminal.RunAsync("host", "add", "lab", address, "--fingerprint", new string('0', 64)));
        Assert.Equal(4, await terminal.RunAsync("run", "list", "--host", "lab"));
        Assert.Contains("it is not the one that is pinned", terminal.Error, StringComparison.Ordinal);
        string token = terminal.WriteFile("lab.token", "abc");
        Assert.Equal(4, await terminal.RunAsync("host", "check", "lab", "--token-file", token));
        Assert.Contains($"lema-remote host add lab {address} --fingerprint {fingerprint} --token-file {token}\n", terminal.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("host", "check")]
    [InlineData("run", "list")]
    public async Task Run_WrongToken_NamesTheFileItCameFrom(params string[] command)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Calls.Failure = new RpcException(new Status(StatusCode.Unauthenticated, "This call needs a valid token."));
        string token = terminal.WriteFile("old.token", "abc");

        Assert.Equal(5, await daemon.RunAsync(terminal, [.. command, "--token-file", token]));

        Assert.Contains("This call needs a valid token.", terminal.Out + terminal.Error, StringComparison.Ordinal);
        Assert.Contains($"The token was read from {token}.", terminal.Out + terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_ADaemonOfAnotherVersion_Warns()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Host.Info.Version = "9.9.0";

        Assert.Equal(0, await daemon.RunAsync(terminal, "host", "check"));

        Assert.Contains("warn  version  daemon 9.9.0", terminal.Out, StringComparison.Ordinal);
        Assert.Contains("Use the same version.", terminal.Out, StringComparison.Ordinal);
    }

    private static X509Certificate2 SelfSigned()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
