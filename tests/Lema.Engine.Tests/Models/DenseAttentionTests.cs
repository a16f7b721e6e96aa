using Lema.Engine.Models;
using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Models;

public sealed class DenseAttentionTests
{
    [Theory]
    [InlineData(7, null)]
    [InlineData(24, null)]
    [InlineData(100, 1)]
    [InlineData(5, 9)]
    public void ForwardAndBackward_EqualChunkedAttention(int queryChunk, int? window)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using PassConstants shared = new();
        random.manual_seed(5);
        Tensor q = randn(4, 2, 24, 8), k = randn(4, 24, 8), v = randn(4, 24, 8), dy = randn(4, 2, 24, 8);
        AttentionSettings settings = new(0.4, window);
        DenseAttention dense = new(settings, shared, queryChunk);
        ChunkedAttention chunked = new(settings, shared);

        (Tensor expected, Tensor logSum) = chunked.Forward(q, k, v);
        AssertClose(expected, dense.Forward(q, k, v));
        (Tensor edq, Tensor edk, Tensor edv) = chunked.Backward(q, k, v, expected, logSum, dy);
        (Tensor dq, Tensor dk, Tensor dv) = dense.Backward(q, k, v, dy);
        AssertClose(edq, dq);
        AssertClose(edk, dk);
        AssertClose(edv, dv);
    }

    private static void AssertClose(Tensor expected, Tensor actual) => Assert.True(expected.sub(actual).abs().max().item<float>() < 1e-5);
}
