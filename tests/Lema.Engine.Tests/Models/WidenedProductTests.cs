using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Models;

public sealed class WidenedProductTests
{
    // Within a tile, beyond one in rows, columns, terms or all; the rank of an adapter; nothing to sum.
    public static TheoryData<long, long, long> Shapes => new() { { 3, 5, 7 }, { 1030, 2049, 1025 }, { 1, 5000, 300 }, { 2100, 16, 1100 }, { 16, 4100, 600 }, { 4, 0, 6 }, { 0, 8, 6 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Multiply_EveryShape_RoundsTheExactSumOnce(long rows, long inner, long columns)
    {
        using var scope = NewDisposeScope();
        foreach (ScalarType type in (ScalarType[])[ScalarType.BFloat16, ScalarType.Float16])
        {
            (Tensor left, Tensor right) = (Whole([rows, inner], type), Whole([inner, columns], type));
            Tensor exact = left.to(ScalarType.Float32).mm(right.to(ScalarType.Float32)).to(type);
            AssertEqual(exact, WidenedProduct.Multiply(left, right));
            AssertEqual(exact, WidenedProduct.Multiply(left.t().contiguous().t(), right.t().contiguous().t()));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void MultiplyAdd_IntoColumnsOfAnother_AddsBeforeTheOneRounding(long rows, long inner, long columns)
    {
        using var scope = NewDisposeScope();
        (Tensor left, Tensor right) = (Whole([rows, inner], ScalarType.BFloat16), Whole([inner, columns], ScalarType.BFloat16));
        Tensor all = Whole([rows, columns + 2], ScalarType.BFloat16), before = all.clone(), addend = all.narrow(1, 1, columns);
        Tensor exact = left.to(ScalarType.Float32).mm(right.to(ScalarType.Float32)).add_(addend).to(ScalarType.BFloat16);

        Assert.Same(addend, WidenedProduct.MultiplyAdd(addend, left, right));
        AssertEqual(exact, addend);
        AssertEqual(before.narrow(1, 0, 1), all.narrow(1, 0, 1));
        AssertEqual(before.narrow(1, columns + 1, 1), all.narrow(1, columns + 1, 1));
    }

    [Theory]
    [InlineData(5, 7, 8, 9)]
    [InlineData(7, 1024, 64, 1024)]
    [InlineData(2, 1500, 64, 1500)]
    public void Multiply_Batches_EqualTheirMatrices(long batch, long rows, long inner, long columns)
    {
        using var scope = NewDisposeScope();
        Tensor left = Whole([batch, rows, inner], ScalarType.BFloat16), right = Whole([batch, columns, inner], ScalarType.BFloat16).transpose(1, 2);
        AssertEqual(left.to(ScalarType.Float32).bmm(right.to(ScalarType.Float32)).to(ScalarType.BFloat16), WidenedProduct.Multiply(left, right));
    }

    [Fact]
    public void MatrixProduct_OnThisProcessor_RoundsTheExactSumOnce()
    {
        using var scope = NewDisposeScope();
        Tensor left = Whole([40, 300], ScalarType.BFloat16), right = Whole([300, 50], ScalarType.BFloat16), addend = Whole([40, 50], ScalarType.BFloat16);
        Tensor exact = left.to(ScalarType.Float32).mm(right.to(ScalarType.Float32));
        AssertEqual(exact.to(ScalarType.BFloat16), MatrixProduct.Multiply(left, right));
        AssertEqual(exact.add(addend).to(ScalarType.BFloat16), MatrixProduct.MultiplyAdd(addend, left, right));
    }

    /// <summary>Small whole numbers, whose products and sums are exact in float32 in any order.</summary>
    private static Tensor Whole(long[] shape, ScalarType type) => randint(-8, 9, shape, ScalarType.Float32).to(type);

    private static void AssertEqual(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.True(expected.ne(actual).sum().item<long>() == 0, $"{expected.ne(actual).sum().item<long>()} of {expected.numel()} elements differ");
    }
}
