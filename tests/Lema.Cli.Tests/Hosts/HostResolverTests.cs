using Lema.Cli.Errors;
using Lema.Cli.Hosts;
using Lema.Cli.Tests.Fakes;

namespace Lema.Cli.Tests.Hosts;

public sealed class HostResolverTests
{
    [Theory]
    [InlineData("gpu01:7000", "https://gpu01:7000")]
    [InlineData("127.0.0.1:7000", "http://127.0.0.1:7000")]
    [InlineData("localhost", "http://localhost:5090")]
    [InlineData("http://127.0.0.1", "http://127.0.0.1:5090")]
    [InlineData("https://gpu01", "https://gpu01:5090")]
    [InlineData("https://gpu01:443/", "https://gpu01:443")]
    [InlineData("http://[::1]:80", "http://[::1]:80")]
    [InlineData("ssh://ada@gpu01", "ssh://ada@gpu01")]
    public void Normalize_Address_GetsSchemeAndPort(string given, string expected) => Assert.Equal(expected, HostResolver.Normalize(given));

    [Theory]
    [InlineData("ftp://gpu01")]
    [InlineData("http://")]
    public void Normalize_NoAddress_IsWrongUsage(string given) => Assert.Equal(ExitCode.WrongUsage, Assert.Throws<CliException>(() => HostResolver.Normalize(given)).ExitCode);

    [Fact]
    public void Resolve_NothingGiven_IsTheDaemonOfThisMachine()
    {
        using TestTerminal terminal = new();

        Assert.Equal(HostResolver.LocalAddress, new HostResolver(terminal.Environment).Resolve(null, null).Address);
    }

    [Fact]
    public void Resolve_OptionVariableAndCurrent_WinInThisOrder()
    {
        using TestTerminal terminal = new();
        HostResolver resolver = new(terminal.Environment);
        resolver.File.Write(new HostsDocument
        {
            Current = "a",
            Hosts = [new HostEntry { Name = "a", Address = "http://a:1" }, new HostEntry { Name = "b", Address = "http://b:2", TokenFile = "/b.token" }],
        });

        Assert.Equal("http://a:1", resolver.Resolve(null, null).Address);
        terminal.Variables[HostResolver.HostVariable] = "b";
        Assert.Equal("http://b:2", resolver.Resolve(null, null).Address);
        Assert.Equal("http://a:1", resolver.Resolve("a", null).Address);
    }

    [Fact]
    public void Resolve_TokenFile_OptionThenHostThenVariable()
    {
        using TestTerminal terminal = new();
        HostResolver resolver = new(terminal.Environment);
        resolver.File.Write(new HostsDocument { Hosts = [new HostEntry { Name = "b", Address = "http://b:2", TokenFile = "/b.token" }] });
        terminal.Variables[HostResolver.TokenFileVariable] = "/variable.token";

        Assert.Equal("/option.token", resolver.Resolve("b", "/option.token").TokenFile);
        Assert.Equal("/b.token", resolver.Resolve("b", null).TokenFile);
        Assert.Equal("/variable.token", resolver.Resolve("http://c:3", null).TokenFile);
    }

    [Fact]
    public void Resolve_UnknownName_IsNotFoundAndSuggestsTheNearest()
    {
        using TestTerminal terminal = new();
        HostResolver resolver = new(terminal.Environment);
        resolver.File.Write(new HostsDocument { Hosts = [new HostEntry { Name = "gpu01", Address = "http://b:2" }] });

        CliException failure = Assert.Throws<CliException>(() => resolver.Resolve("gpu0l", null));

        Assert.Equal(ExitCode.NotFound, failure.ExitCode);
        Assert.Equal(["Did you mean 'gpu01'?"], failure.Remedies);
    }
}
