using Lema.Engine.Devices;
using Lema.Engine.Models;
using Lema.Engine.Models.Operations;
using Lema.Engine.Streaming;
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
        (IReadOnlyList<Tensor> Keys, IReadOnlyList<Tensor> Values)[] chunks = [.. lengths.Select(_ => (Chunks(random), Chunks(random)))];
        static nint[] Addresses(IReadOnlyList<Tensor> tensors) => [.. tensors.Select(TensorMemory.Pointer)];
        DecodeAttention.Sequence[] sequences =
            [.. lengths.Select((length, s) => new DecodeAttention.Sequence(Addresses(chunks[s].Keys), Addresses(chunks[s].Values), ChunkTokens, length))];
        Assert.True(DecodeAttention.Supports(queries));
        DecodeAttention.Run(queries, output, sequences, keyHeads, settings);

        double tolerance = type == ScalarType.BFloat16 ? 2e-2 : 1e-5;
        for (int s = 0; s < lengths.Length; s++)
        {
            for (int head = 0; head < heads; head++)
            {
                int first = window is { } w ? Math.Max(0, lengths[s] - w) : 0;
                Tensor Rows(IReadOnlyList<Tensor> chunks) => cat([.. chunks], 0).select(1, head / (heads / keyHeads)).narrow(0, first, lengths[s] - first).to(ScalarType.Float64);
                Tensor scores = Rows(chunks[s].Keys).mv(queries[s, head].to(ScalarType.Float64)).mul(settings.Scale);
                if (softcap is { } cap) scores = scores.div(cap).tanh().mul(cap);
                Tensor expected = Rows(chunks[s].Values).t().mv(scores.softmax(0));
                Assert.True(output[s, head].to(ScalarType.Float64).allclose(expected, tolerance, tolerance));
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, 0)]
    [InlineData(ScalarType.BFloat16, 0)]
    [InlineData(ScalarType.BFloat16, 1)]
    public void RmsNorm_OfFewVectors_IsTheNormInFloat32(ScalarType type, double offset)
    {
        using var scope = NewDisposeScope();
        using Generator random = new(6);
        Tensor x = randn([3, 96], generator: random).to(type), weight = randn([96], generator: random).to(type);
        Tensor x32 = x.to(ScalarType.Float32), normalized = x32.mul(x32.square().mean([-1], keepdim: true).add(1e-5).rsqrt());
        Tensor expected = offset == 0 ? normalized.to(type).mul(weight) : normalized.mul(weight.to(ScalarType.Float32).add(offset)).to(type);
        AssertClose(expected, DecodeKernels.RmsNorm(x, weight, 1e-5, offset));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void SiluMultiply_OfFewVectors_IsTheProductOfTheActivation(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using Generator random = new(8);
        Tensor gate = randn([2, 160], generator: random).mul(8).to(type), up = randn([2, 160], generator: random).to(type);
        AssertClose(nn.functional.silu(gate).mul(up), DecodeKernels.SiluMultiply(gate, up));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 32)]
    [InlineData(ScalarType.BFloat16, 32)]
    [InlineData(ScalarType.BFloat16, 16)]
    public void Rotate_OfFewTokens_TurnsEachByItsPosition(ScalarType type, int turned)
    {
        using var scope = NewDisposeScope();
        using Generator random = new(9);
        Segment[] segments = [new(0, 1, 7), new(1, 2, 3)];
        Tensor x = randn([3, 2, 32], generator: random).to(type), angles = rand([16, 1, turned / 2], generator: random).mul(3), cosines = angles.cos().to(type), sines = angles.sin().to(type);
        Tensor positions = tensor(new long[] { 7, 3, 4 }), c = cosines.index_select(0, positions), s = sines.index_select(0, positions);
        long half = turned / 2;
        Tensor first = x.narrow(-1, 0, half), second = x.narrow(-1, half, half);
        Tensor expected = cat([first.mul(c).addcmul(second, s, -1), second.mul(c).addcmul(first, s, 1), x.narrow(-1, turned, 32 - turned)], -1);
        AssertClose(expected, DecodeKernels.Rotate(x, new RotaryTables(cosines, sines, OfAllPositions: true), segments));
        AssertClose(expected, DecodeKernels.Rotate(x, new RotaryTables(c, s, OfAllPositions: false), segments));
    }

    [Theory]
    [InlineData(1, 300, 24, ScalarType.BFloat16)]
    [InlineData(2, 40, 8, ScalarType.BFloat16)]
    [InlineData(1, 300, 13, ScalarType.Float32)]
    public void Multiply_ByWidthsThatAreNoWholeVectors_IsTheProduct(int vectors, int rows, int columns, ScalarType type) =>
        Multiply_OfFewVectors_IsTheMatrixProductRoundedOnce(vectors, rows, columns, type);

    [Fact]
    public void Multiply_BySeveralMatrices_IsTheProductWithEachOnItsAddend()
    {
        using var scope = NewDisposeScope();
        using Generator random = new(4);
        Tensor input = randn([2, 96], generator: random).to(ScalarType.BFloat16);
        Tensor[] matrices = [.. new[] { 700, 3, 250 }.Select(rows => randn([rows, 96], generator: random).to(ScalarType.BFloat16))];
        Tensor addend = randn([2, 3], generator: random).to(ScalarType.BFloat16), before = addend.clone();
        Tensor[] products = MatrixVector.Multiply(input, matrices, [null, addend, null]);
        for (int i = 0; i < matrices.Length; i++)
        {
            Tensor expected = input.to(ScalarType.Float32).matmul(matrices[i].to(ScalarType.Float32).t());
            if (i == 1) expected.add_(before);
            Assert.True(products[i].to(ScalarType.Float32).allclose(expected, 1.0 / 256, 2e-4));
        }
        Assert.Same(addend, products[1]);
    }

    [Fact]
    public void After_ProductsThatCameBefore_BringsInWhatFollowedThem()
    {
        using HostBuffer buffer = new(1 << 20);
        MemoryRange Part(int start, int bytes) => new(buffer.Address + start, bytes);
        CacheAhead ahead = new(new MemoryRange(buffer.Address, buffer.ByteCount));
        Assert.Same(ahead, CacheAhead.Current);
        MemoryRange[] first = [Part(0, 4096)], second = [Part(4096, 5000), Part(16384, 100)], third = [new(buffer.Address + (2 << 20), 64)];
        Assert.Null(ahead.After(first));
        Assert.Null(ahead.After(second));
        Assert.Null(ahead.After(third));
        Func<bool> follows = ahead.After(first)!;
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => follows()));
        // What lies outside the memory is not known to be there.
        Assert.Null(ahead.After(second));
        Func<bool> later = ahead.After(first)!;
        ahead.Dispose();
        Assert.False(later());
        Assert.Null(CacheAhead.Current);
    }

    [Fact]
    public void Run_OfManyParts_DoesEachOnce()
    {
        int[] done = new int[1000];
        for (int round = 1; round <= 50; round++)
        {
            ComputeTeam.Shared.Run(done.Length, part => Interlocked.Increment(ref done[part]));
            Assert.All(done, count => Assert.Equal(round, count));
        }
    }

    [Fact]
    public async Task Run_FromSeveralThreads_DoesTheWorkOfEach()
    {
        long[] sums = await Task.WhenAll(Enumerable.Range(0, 4).Select(caller => Task.Run(() =>
        {
            long sum = 0;
            for (int round = 0; round < 200; round++) ComputeTeam.Shared.Run(20, part => Interlocked.Add(ref sum, part));
            return sum;
        })));
        Assert.All(sums, sum => Assert.Equal(200 * 190, sum));
    }

    /// <summary>Equal but for the last place of the type.</summary>
    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.dtype, actual.dtype);
        double relative = expected.dtype == ScalarType.BFloat16 ? 1.0 / 128 : 1e-5;
        Assert.True(actual.to(ScalarType.Float64).allclose(expected.to(ScalarType.Float64), relative, 1e-6));
    }
}
