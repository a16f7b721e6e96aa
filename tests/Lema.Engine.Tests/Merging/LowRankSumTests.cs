using Lema.Engine.Devices;
using Lema.Engine.Merging;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Merging;

public sealed class LowRankSumTests
{
    [Theory]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16, 576)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, 300)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 37)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, 7)]
    public void Add_OfSomeRows_IsTheFloat32SumRoundedOnce(ScalarType stored, ScalarType merged, int columns)
    {
        using var scope = NewDisposeScope();
        using Generator random = new(11);
        // Four rows at once and one by itself.
        const int rows = 9, rank = 5, first = 3, count = 5;
        const double scale = 1.75;
        Tensor a = randn([rank, columns], generator: random), b = randn([rows, rank], generator: random), matrix = randn([count, columns], generator: random).to(stored);
        Tensor product = zeros([count, columns], ScalarType.Float64);
        // Sums of products in the order of the rank, each fused product rounded to float32: exact in float64.
        for (int k = 0; k < rank; k++)
            product = b.narrow(0, first, count).select(1, k).unsqueeze(1).to(ScalarType.Float64).mul(a.select(0, k).to(ScalarType.Float64)).add(product).to(ScalarType.Float32).to(ScalarType.Float64);
        Tensor expected = matrix.to(ScalarType.Float32).add(product.to(ScalarType.Float32).mul((float)scale)).to(merged), actual = empty_like(expected);

        new LowRankSum(a, b, scale).Add(TensorMemory.Bytes(matrix), stored, first, TensorMemory.Bytes(actual), merged);
        // Rounding to float64 before float32 can differ from the fused product's one rounding, in the last place of a rare value.
        Assert.True(actual.ne(expected).sum().item<long>() <= 1);
        Assert.True(actual.to(ScalarType.Float64).allclose(expected.to(ScalarType.Float64), 1e-2, 1e-6));
    }

    [Fact]
    public void Add_OfWhatIsNoNumber_KeepsIt()
    {
        using var scope = NewDisposeScope();
        Tensor matrix = tensor(Enumerable.Repeat(float.NaN, 16).Concat(Enumerable.Repeat(float.PositiveInfinity, 17)).ToArray()).view(1, 33), merged = empty([1, 33], ScalarType.BFloat16);
        new LowRankSum(zeros([2, 33]), zeros([1, 2]), 1).Add(TensorMemory.Bytes(matrix), ScalarType.Float32, 0, TensorMemory.Bytes(merged), ScalarType.BFloat16);
        Assert.Equal(16, merged.isnan().sum().item<long>());
        Assert.Equal(17, merged.isinf().sum().item<long>());
    }
}
