namespace Lema.EndToEnd.Tests;

/// <summary>A daemon behind a real OpenSSH server.</summary>
[Collection(OneAtATime.Name)]
public sealed class SshTests(Daemon daemon) : IClassFixture<Daemon>
{
    [Fact]
    public async Task Run_SshAddress_ReachesTheDaemonThroughTheTunnel()
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using SshServer ssh = await SshServer.StartAsync();

        Finished listed = await CliAsync(ssh, "model", "list", "--format", "json");
        Finished check = await CliAsync(ssh, "host", "check");

        Assert.Contains("lema-tiny", listed.Succeeded(), StringComparison.Ordinal);
        Assert.Contains("ok    token", check.Succeeded(), StringComparison.Ordinal);
        Assert.DoesNotContain("FAIL", check.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_UnknownHostKey_IsUnreachableWithWhatSshSaid()
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using SshServer ssh = await SshServer.StartAsync();
        await ssh.TrustAsync(await ssh.OtherKeyAsync());

        Finished finished = await CliAsync(ssh, "model", "list");

        Assert.Equal(4, finished.ExitCode);
        Assert.Contains("Host key verification failed", finished.Error, StringComparison.Ordinal);
        Assert.Contains("Try it by hand: ssh ", finished.Error, StringComparison.Ordinal);
    }

    private Task<Finished> CliAsync(SshServer ssh, params string[] arguments)
    {
        Dictionary<string, string> variables = new(daemon.Variables, StringComparer.Ordinal)
        {
            ["LEMA_HOST"] = $"ssh://127.0.0.1:{ssh.Port}/{new Uri(daemon.Address).Port}",
            ["PATH"] = ssh.SearchPath,
        };
        return Programs.RunAsync(Checkout.Cli, daemon.Home, variables, arguments);
    }
}
