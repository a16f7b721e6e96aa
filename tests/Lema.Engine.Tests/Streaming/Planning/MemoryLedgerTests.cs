using Lema.Engine.Streaming.Planning;

namespace Lema.Engine.Tests.Streaming.Planning;

public sealed class MemoryLedgerTests
{
    [Fact]
    public void Charge_Disposed_LeavesOnlyThePeak()
    {
        MemoryLedger ledger = new();
        using (ledger.Charge("slots", 100))
        {
            IDisposable second = ledger.Charge("slots", 50);
            Assert.Equal([new PlanItem("slots", 150)], ledger.Items);
            second.Dispose();
            second.Dispose();
            Assert.Equal(100, ledger.TotalBytes);
        }
        Assert.Equal(0, ledger.TotalBytes);
        Assert.Equal(150, ledger.PeakBytes);
        Assert.Empty(ledger.Items);
    }
}
