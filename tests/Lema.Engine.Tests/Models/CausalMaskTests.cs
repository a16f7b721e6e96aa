using Lema.Engine.Models;
using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Models;

public sealed class CausalMaskTests
{
    [Theory]
    [InlineData(3, 9, 6, null)]
    [InlineData(5, 4, -2, null)]
    [InlineData(1, 7, 6, 2)]
    [InlineData(6, 11, 3, 4)]
    [InlineData(4, 4, 0, 1)]
    public void Of_HidesLaterKeysAndThoseBeyondTheWindow(int count, int size, int offset, int? window)
    {
        using var scope = NewDisposeScope();
        using PassConstants shared = new();
        Tensor mask = CausalMask.Of(shared, count, size, offset, window, ScalarType.Float32, CPU);
        Assert.Equal([count, size], mask.shape);
        for (int query = 0; query < count; query++)
        {
            for (int key = 0; key < size; key++)
            {
                int place = offset + query;
                bool seen = key <= place && (window is null || key > place - window);
                Assert.Equal(seen ? 0 : float.NegativeInfinity, mask[query, key].item<float>());
            }
        }
    }

    [Fact]
    public void Of_ManyLengths_KeepsFewMatrices()
    {
        using var scope = NewDisposeScope();
        using PassConstants shared = new();
        for (int length = 1; length <= 300; length++) CausalMask.Of(shared, length, length, 0, 64, ScalarType.Float32, CPU);
        Assert.InRange(shared.Count, 1, 20);
    }
}
