using Lema.Web.ViewModels;

namespace Lema.Web.Tests.ViewModels;

public sealed class CurveTests
{
    [Fact]
    public void ReadFrom_AfterMorePoints_GivesOnlyTheNew()
    {
        Curve curve = new();
        curve.Append(At(1));
        CurveSlice first = curve.ReadFrom(CurvePosition.Start);
        curve.Append(At(2));
        CurveSlice second = curve.ReadFrom(first.Position);

        Assert.True(first.Anew);
        Assert.False(second.Anew);
        Assert.Equal([2L], second.Points.Select(point => point.Step));
    }

    [Fact]
    public void Append_StepAlreadyThere_ChangesNothing()
    {
        Curve curve = new();
        curve.Append(At(5, 1));
        curve.Append(At(5, 2));
        curve.Append(At(4, 3));
        Assert.Equal([At(5, 1)], curve.ReadFrom(CurvePosition.Start).Points);
    }

    [Fact]
    public void Append_Full_HalvesAndBeginsANewGeneration()
    {
        Curve curve = new(capacity: 8);
        for (int step = 1; step <= 8; step++) curve.Append(At(step));
        CurvePosition before = curve.ReadFrom(CurvePosition.Start).Position;
        curve.Append(At(9));
        CurveSlice after = curve.ReadFrom(before);

        Assert.True(after.Anew);
        Assert.Equal([1L, 3, 5, 7, 9], after.Points.Select(point => point.Step));
    }

    [Fact]
    public void CutAfter_StepsThatAreDoneAgain_AreTakenBack()
    {
        Curve curve = new();
        for (int step = 1; step <= 6; step++) curve.Append(At(step));
        CurvePosition before = curve.ReadFrom(CurvePosition.Start).Position;
        curve.CutAfter(4);
        curve.Append(At(5, 50));
        CurveSlice after = curve.ReadFrom(before);

        Assert.True(after.Anew);
        Assert.Equal([1L, 2, 3, 4, 5], after.Points.Select(point => point.Step));
        Assert.Equal(50, after.Points[^1].Value);
    }

    private static CurvePoint At(long step, double value = 0) => new(step, value, step, step);
}
