using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Models;

public sealed class DecodeKernelTests
{
    private const int ChunkTokens = 16;

    [Theory]
    [InlineData(1, 48, 96, ScalarType.Float32)]
    [InlineData(4, 700, 512, ScalarType.Float32)]
    [InlineData(1, 48, 96, ScalarType.BFloat16)]
    [InlineData(3, 1031, 576, ScalarType.BFloat16)]
    public void Multiply_OfFewVectors_IsTheMatrixProductRoundedOnce(int vectors, int rows, int columns, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using Generator random = new(3);
        Tensor input = randn([vectors, columns], generator: random).to(type), matrix = randn([rows, columns], generator: random).to(type);
        Assert.True(MatrixVector.Supports(input, matrix));
        Tensor exact = input.to(ScalarType.Float64).matmul(matrix.to(ScalarType.Float64).t()), actual = MatrixVector.Multiply(input, matrix);
        Assert.Equal(type, actual.dtype);
        // One unit in the last place of bfloat16 is 2^-8 of the value; cancellation leaves an absolute error of the float32 sum.
        double relative = type == ScalarType.BFloat16 ? 1.0 / 256 : 1e-5;
        Assert.True(actual.to(ScalarType.Float64).allclose(exact, relative, 2e-4));
    }

    [Theory]
    [InlineData(ScalarType.Float32, null, null)]
    [InlineData(ScalarType.BFloat16, null, null)]
    [InlineData(ScalarType.Float32, 5, null)]
    [InlineData(ScalarType.Float32, null, 3.0)]
    public void Run_OfSequencesOfUnequalLength_IsSoftmaxAttentionOfEach(ScalarType type, int? window, double? softcap)
    {
        using var scope = NewDisposeScope();
        using Generator random = new(5);
        const int heads = 6, keyHeads = 2, width = 32;
        int[] lengths = [1, 9, 40];
        IReadOnlyList<Tensor> Chunks(Generator generator) =>
            [.. Enumerable.Range(0, 3).Select(_ => randn([ChunkTokens, keyHeads, width], generator: generator).to(type))];
        AttentionSettings settings = new(0.25, window, softcap);
        Tensor queries = randn([lengths.Length, heads, width], generator: random).to(type), output = zeros_like(queries);
        DecodeAttention.Sequence[] sequences = [.. lengths.Select(length => new DecodeAttention.Sequence(Chunks(random), Chunks(random), ChunkTokens, length))];
        Assert.True(DecodeAttention.Supports(queries));
        DecodeAttention.Run(queries, output, sequences, settings);

        double tolerance = type == ScalarType.BFloat16 ? 2e-2 : 1e-5;
        for (int s = 0; s < lengths.Length; s++)
        {
            for (int head = 0; head < heads; head++)
            {
                int first = window is { } w ? Math.Max(0, lengths[s] - w) : 0;
                Tensor Rows(IReadOnlyList<Tensor> chunks) => cat([.. chunks], 0).select(1, head / (heads / keyHeads)).narrow(0, first, lengths[s] - first).to(ScalarType.Float64);
                Tensor scores = Rows(sequences[s].Keys).mv(queries[s, head].to(ScalarType.Float64)).mul(settings.Scale);
                if (softcap is { } cap) scores = scores.div(cap).tanh().mul(cap);
                Tensor expected = Rows(sequences[s].Values).t().mv(scores.softmax(0));
                Assert.True(output[s, head].to(ScalarType.Float64).allclose(expected, tolerance, tolerance));
            }
        }
    }
}
