using Lema.Engine.Models;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using Lema.Engine.Weights;

namespace Lema.Engine.Tests.Training;

public sealed class RunPlanTests
{
    private const long Stated = 900_000_000, Given = 800_000_000;

    [Theory]
    [InlineData(Stated, Given, Stated)]
    [InlineData(null, Given, Given)]
    [InlineData(Stated, null, Stated)]
    public void Request_Total_IsTheStatedOneAndElseWhatIsGiven(long? stated, long? given, long expected)
    {
        RunSettings settings = new() { Memory = new MemorySettings { TotalBytes = stated } };
        Assert.Equal(expected, Request(settings, given).TotalBytes);
    }

    [Fact]
    public void Request_WithoutTotal_IsHalfOfTheMachine() =>
        Assert.Equal(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2, Request(new RunSettings(), null).TotalBytes);

    private static PlanRequest Request(RunSettings settings, long? given) =>
        RunPlan.Request(ModelFamilies.Read(TinyModel.Folder), GlobalBinaryIndex.Open(TinyModel.Folder), settings, new MeasuredSpeeds(1e9, 1e9, 1e11), acceleratorBytes: null, given);
}
