using Lema.Cli.Connections;
using Microsoft.Extensions.Time.Testing;

namespace Lema.Cli.Tests.Connections;

public sealed class BrokenLineTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly List<string> _told = [];

    [Fact]
    public void Broke_ManyCalls_IsToldOnce()
    {
        BrokenLine line = new(_told.Add, _clock);
        line.Answered();
        line.Broke("It broke.");
        line.Broke("It broke too.");
        line.Answered();
        line.Answered();
        Assert.Equal(["It broke. Trying again.", "Connected again."], _told);
    }

    [Fact]
    public void Broke_CallThatIsOlderThanTheLine_IsNoNews()
    {
        BrokenLine line = new(_told.Add, _clock);
        line.Broke("It broke.");
        line.Answered();
        _clock.Advance(TimeSpan.FromSeconds(1));
        line.Broke("It broke late.", after: TimeSpan.FromSeconds(2));
        Assert.Equal(2, _told.Count);

        line.Broke("The next one broke.", after: TimeSpan.FromSeconds(0.5));
        Assert.Equal("The next one broke. Trying again.", _told[^1]);
    }
}
