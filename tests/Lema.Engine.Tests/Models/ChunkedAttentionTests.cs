using Lema.Engine.Models;
using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Models;

public sealed class ChunkedAttentionTests
{
    [Theory]
    [InlineData(7, 5, null, null)]
    [InlineData(8, 8, null, null)]
    [InlineData(3, 16, 6, null)]
    [InlineData(5, 4, 9, 20.0)]
    [InlineData(1, 1, null, 20.0)]
    public void ForwardAndBackward_InChunks_EqualUnchunked(int queryChunk, int keyChunk, int? window, double? softcap)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using PassConstants shared = new();
        random.manual_seed(5);
        Tensor q = randn(4, 2, 24, 8), k = randn(4, 24, 8), v = randn(4, 24, 8), dy = randn(4, 2, 24, 8);
        AttentionSettings settings = new(0.4, window, softcap);
        ChunkedAttention chunked = new(settings, shared, queryChunk, keyChunk), whole = new(settings, shared, 1000, 1000);

        (Tensor y, Tensor logSum) = chunked.Forward(q, k, v);
        (Tensor expected, Tensor expectedLogSum) = whole.Forward(q, k, v);
        AssertClose(expected, y);
        AssertClose(expectedLogSum, logSum);

        (Tensor dq, Tensor dk, Tensor dv) = chunked.Backward(q, k, v, y, logSum, dy);
        (Tensor edq, Tensor edk, Tensor edv) = whole.Backward(q, k, v, expected, expectedLogSum, dy);
        AssertClose(edq, dq);
        AssertClose(edk, dk);
        AssertClose(edv, dv);
    }

    [Fact]
    public void Forward_OfQueriesAfterCachedKeys_EqualsTheLastRowsOfAll()
    {
        using var scope = NewDisposeScope();
        using PassConstants shared = new();
        random.manual_seed(6);
        Tensor q = randn(2, 1, 20, 8), k = randn(2, 20, 8), v = randn(2, 20, 8);
        ChunkedAttention attention = new(new(0.3, 7), shared, 4, 6);
        (Tensor all, _) = attention.Forward(q, k, v);
        (Tensor last, _) = attention.Forward(q.narrow(2, 13, 7), k, v);
        AssertClose(all.narrow(2, 13, 7), last);
    }

    private static void AssertClose(Tensor expected, Tensor actual) => Assert.True(expected.sub(actual).abs().max().item<float>() < 1e-5);
}
