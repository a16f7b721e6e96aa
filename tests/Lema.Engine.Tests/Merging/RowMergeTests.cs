using Lema.Engine.Adapters;
using Lema.Engine.Merging;
using Lema.Engine.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Merging;

public sealed class RowMergeTests
{
    [Fact]
    public void Apply_OfDoraOnTransposedMatrix_ScalesEachOutputAcrossTiles()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using torch.Generator random = new(3);
        const int In = 7, Out = 5, Rank = 2, Split = 4;
        Tensor stored = randn([In, Out], generator: random), a = randn([Rank, In], generator: random), b = randn([Out, Rank], generator: random);
        TrainedParameter magnitude = new("m", 0, rand([Out], generator: random).add(0.5));
        LoraModule lora = new(() => a, () => b, () => a, () => b) { Scale = 1.5, Magnitude = magnitude };
        RowMerge merge = new(new LowRankUpdate(0, lora, Transposed: true));
        (long First, long Count)[] tiles = [(0, Split), (Split, In - Split)];
        Tensor Rows((long First, long Count) tile) => stored.narrow(0, tile.First, tile.Count).clone();

        Assert.True(merge.NeedsNorms);
        foreach (var tile in tiles) merge.Measure(Rows(tile), tile.First);
        Tensor merged = cat([.. tiles.Select(tile => merge.Apply(Rows(tile), tile.First))], 0);

        Tensor updated = stored.t().add(b.mm(a).mul(1.5)), expected = updated.div(updated.norm(1, keepdim: true)).mul(magnitude.Value.unsqueeze(1)).t();
        Assert.True(merged.allclose(expected, 1e-5, 1e-6));
    }
}
