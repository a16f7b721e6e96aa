using Lema.Web.Clients;
using Lema.Web.Hosting;

namespace Lema.Web.Tests.Hosting;

public sealed class SettingsTests
{
    [Theory]
    [InlineData("http://127.0.0.1:5080")]
    [InlineData("http://localhost:5080;https://0.0.0.0:5443")]
    [InlineData("http://[::1]:5080")]
    public void Parse_LoopbackOrTls_IsTaken(string urls) => Assert.NotEmpty(ListenAddresses.Parse(urls));

    [Theory]
    [InlineData("http://0.0.0.0:5080", "clear text")]
    [InlineData("http://gpu01:5080", "clear text")]
    [InlineData("ftp://127.0.0.1", "no http or https")]
    [InlineData("", "no address")]
    public void Parse_ClearTextToTheNetworkOrNonsense_IsRefusedWithARemedy(string urls, string why) =>
        Assert.Contains(why, Assert.Throws<SettingsException>(() => ListenAddresses.Parse(urls)).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_NoFile_IsTheDaemonOfThisMachine()
    {
        DaemonEndpoint host = Assert.Single(HostDirectory.Load(null, null).All);
        Assert.Equal(("local", new Uri("http://127.0.0.1:5090")), (host.Name, host.Address));
    }

    [Theory]
    [InlineData("{}", "lists no host")]
    [InlineData("{\"hosts\":[{\"name\":\"a b\",\"address\":\"http://x\"}]}", "cannot be a host's name")]
    [InlineData("{\"hosts\":[{\"name\":\"a\",\"address\":\"x\"}]}", "no http or https")]
    [InlineData("{\"hosts\":[{\"name\":\"a\",\"address\":\"http://x\"},{\"name\":\"a\",\"address\":\"http://y\"}]}", "twice")]
    [InlineData("{", "cannot be read")]
    public void Load_WrongFile_NamesTheFileAndTheMistake(string json, string why)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, json);
            string message = Assert.Throws<SettingsException>(() => HostDirectory.Load(file, null)).Message;
            Assert.Contains(file, message, StringComparison.Ordinal);
            Assert.Contains(why, message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
