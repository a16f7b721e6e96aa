using Lema.Protocol.V1;
using Lema.Web.ViewModels;

namespace Lema.Web.Tests.ViewModels;

public sealed class RunQueryTests
{
    private static readonly RunRow[] Rows =
    [
        new("local", new RunSummary { Id = "1", Name = "alpha", Model = "lema-tiny", State = RunState.Running, LastLoss = 0.4 }),
        new("gpu01", new RunSummary { Id = "2", Name = "beta", Model = "smollm2", State = RunState.Completed, LastLoss = 2.5 }),
        new("gpu01", new RunSummary { Id = "3", Name = "gamma", Model = "lema-tiny", State = RunState.Queued }),
    ];

    [Fact]
    public void Apply_TextOfAnyField_FindsItWithoutCase() => Assert.Equal(["2"], Ids(new RunQuery(Text: "SMOL")));

    [Fact]
    public void Apply_Active_LeavesEndedRunsOut() => Assert.Equal(["3", "1"], Ids(new RunQuery(Group: "active")));

    [Fact]
    public void Apply_SortedByLoss_PutsRunsWithoutLossLast() => Assert.Equal(["1", "2", "3"], Ids(new RunQuery(Sort: "loss", Descending: false)));

    [Fact]
    public void SortedBy_SameColumnTwice_TurnsTheOrder()
    {
        RunQuery once = new RunQuery().SortedBy("name");
        Assert.False(once.Descending);
        Assert.True(once.SortedBy("name").Descending);
    }

    private static string[] Ids(RunQuery query) => [.. query.Apply(Rows).Select(row => row.Run.Id)];
}
