using Lema.Protocol.V1;
using Lema.Server.Runs;

namespace Lema.Server.Tests;

public sealed class RunStatesTests
{
    [Theory]
    [InlineData(RunState.Queued, RunState.Preparing, true)]
    [InlineData(RunState.Completed, RunState.Queued, false)]
    [InlineData(RunState.Unspecified, RunState.Queued, false)]
    public void CanFollow_OfTwoStates_IsTrueOfNeighboursAlone(RunState from, RunState to, bool can) => Assert.Equal(can, RunStates.CanFollow(from, to));

    [Theory]
    [InlineData(RunState.Preparing, RunState.Interrupted)]
    [InlineData(RunState.Running, RunState.Interrupted)]
    [InlineData(RunState.Pausing, RunState.Paused)]
    [InlineData(RunState.Stopping, RunState.Stopped)]
    [InlineData(RunState.Queued, RunState.Queued)]
    [InlineData(RunState.Completed, RunState.Completed)]
    public void AfterRestart_OfAState_KeepsWhatAUserAskedFor(RunState before, RunState after)
    {
        Assert.Equal(after, RunStates.AfterRestart(before));
        Assert.True(before == after || RunStates.CanFollow(before, after), $"{RunStates.Word(before)} cannot become {RunStates.Word(after)}.");
    }
}
