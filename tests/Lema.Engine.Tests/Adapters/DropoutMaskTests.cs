using Lema.Engine.Adapters;
using Lema.Engine.Numerics;
using TorchSharp;

namespace Lema.Engine.Tests.Adapters;

public sealed class DropoutMaskTests
{
    [Theory]
    [InlineData(3, 5)]
    [InlineData(301, 211)]
    public void Create_OfAnySize_DrawsOneNumberAnElementInOrder(int rows, int columns)
    {
        const double probability = 0.3;
        SplitMix64 random = new(17);
        float[] expected = [.. Enumerable.Range(0, rows * columns).Select(_ => random.Next() < (ulong)(probability * ulong.MaxValue) ? 0 : (float)(1 / (1 - probability)))];
        using torch.Tensor mask = DropoutMask.Create(rows, columns, probability, 17, torch.ScalarType.Float32);
        Assert.Equal([rows, columns], mask.shape);
        Assert.Equal(expected, mask.data<float>().ToArray());
    }

    [Theory]
    [InlineData(torch.ScalarType.BFloat16)]
    [InlineData(torch.ScalarType.Float16)]
    public void Create_OfANarrowType_IsTheSameMaskRounded(torch.ScalarType type)
    {
        using torch.Tensor wide = DropoutMask.Create(77, 13, 0.3, 9, torch.ScalarType.Float32), narrow = DropoutMask.Create(77, 13, 0.3, 9, type), rounded = wide.to(type);
        Assert.Equal(type, narrow.dtype);
        Assert.True(narrow.equal(rounded).all().item<bool>());
    }

    [Fact]
    public void Create_OfManyElements_DropsTheShareThatWasAskedFor()
    {
        using torch.Tensor mask = DropoutMask.Create(1000, 1000, 0.05, 4, torch.ScalarType.Float32);
        // Five standard deviations of a binomial of a million draws.
        Assert.InRange(mask.eq(0).sum().item<long>(), 50_000 - 1_090, 50_000 + 1_090);
    }
}
