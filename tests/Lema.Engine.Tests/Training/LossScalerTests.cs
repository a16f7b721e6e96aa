using Lema.Engine.Training;

namespace Lema.Engine.Tests.Training;

public sealed class LossScalerTests
{
    [Fact]
    public void Accepts_AnOverflow_SkipsTheStepAndHalvesTheScale()
    {
        LossScaler scaler = new(Precision.Fp16);
        double scale = scaler.Scale;
        Assert.False(scaler.Accepts(double.PositiveInfinity));
        Assert.Equal(scale / 2, scaler.Scale);
        Assert.True(scaler.Accepts(1));
        Assert.Equal(scale / 2, scaler.Scale);
    }

    [Fact]
    public void Accepts_ManyGoodSteps_DoublesTheScale()
    {
        LossScaler scaler = new(Precision.Fp16);
        double scale = scaler.Scale;
        for (int i = 0; i < 2000; i++) Assert.True(scaler.Accepts(1));
        Assert.Equal(scale * 2, scaler.Scale);
    }

    [Fact]
    public void Accepts_InFloat32_NeverScales()
    {
        LossScaler scaler = new(Precision.Fp32);
        Assert.True(scaler.Accepts(double.NaN));
        Assert.Equal(1, scaler.Scale);
    }
}
