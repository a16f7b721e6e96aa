using Lema.Cli.Errors;
using Lema.Cli.Hosts;

namespace Lema.Cli.Tests.Hosts;

public sealed class SshTunnelTests
{
    [Fact]
    public void Arguments_WholeAddress_ForwardTheDaemonsLoopbackPort()
    {
        string line = string.Join(' ', SshTunnel.Arguments("ssh://ada@gpu01:2222/6000", 40000));

        Assert.Equal("-N -T -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 -L 127.0.0.1:40000:127.0.0.1:6000 -p 2222 -- ada@gpu01", line);
    }

    [Fact]
    public void Arguments_MachineOnly_TakesTheUsualPorts()
    {
        string line = string.Join(' ', SshTunnel.Arguments("ssh://gpu01", 40000));

        Assert.EndsWith("-L 127.0.0.1:40000:127.0.0.1:5090 -- gpu01", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ssh://gpu01/folder")]
    [InlineData("ssh://-oProxyCommand=x@gpu01")]
    public void Arguments_NoPortOrAnOptionInDisguise_IsWrongUsage(string address) =>
        Assert.Equal(ExitCode.WrongUsage, Assert.Throws<CliException>(() => SshTunnel.Arguments(address, 40000)).ExitCode);
}
