using FsCheck.Xunit;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;

namespace Lema.Engine.Tests.Streaming.Planning;

public sealed class MemoryPlanTests
{
    private const long Gib = 1L << 30;

    /// <summary>Llama-2-7B, LoRA r 16 on all linear layers, batch 8 x 512, on a machine of 700 GFLOP/s and a disk of 1.5 GB/s.</summary>
    private static readonly PlanRequest Llama7B = new()
    {
        UnitBytes = [.. Enumerable.Repeat(404_766_720L, 32), 8192, 262_144_000],
        Blocks = 32,
        BlockParameters = 32 * 202_383_360L,
        HeadParameters = 131_072_000,
        HiddenSize = 4096,
        VocabularySize = 32_000,
        ActivationBytesPerToken = 2 * 75_000,
        ElementBytes = 2,
        MicroBatchRows = 8,
        StepRows = 8,
        Length = 512,
        TrainedParameters = 39_976_960,
        TotalBytes = 100 * Gib,
        Speeds = new MeasuredSpeeds(1.5e9, 12e9, 500e9),
    };

    [Theory]
    [InlineData(100.0, 0, BoundaryPlace.Memory)]
    [InlineData(8.0, 2, BoundaryPlace.File)]
    [InlineData(2.4, 2, BoundaryPlace.File)]
    public void Make_LlamaSevenB_UsesWhatTheTotalLeaves(double totalGib, int slots, BoundaryPlace boundaries)
    {
        MemoryPlan plan = MemoryPlan.Make(Llama7B with { TotalBytes = (long)(totalGib * Gib), RuntimeBytes = 300L << 20 });
        Assert.Equal(slots == 0, plan.Slots == 0);
        Assert.Equal(boundaries, plan.Boundaries);
        Assert.InRange(plan.HostBytes, 1, (long)(totalGib * Gib));
    }

    [Fact]
    public void Make_EverythingFits_RecomputesNothing()
    {
        MemoryPlan plan = MemoryPlan.Make(Llama7B);
        Assert.Equal(32, plan.KeptLayers);
        Assert.Equal(0, plan.DiskBytesPerStep);
    }

    [Fact]
    public void Make_WeightBudget_IsKeptWhateverTheTotal()
    {
        MemoryPlan plan = MemoryPlan.Make(Llama7B with { WeightBytes = 2 * Gib });
        Assert.InRange(plan.WeightBytes, 2 * 404_766_720L, 2 * Gib);
        SlotPlan stream = SlotPlan.Make(Llama7B.UnitBytes, plan.WeightBytes, plan.Slots, "");
        Assert.Equal(plan.PinnedUnits, stream.Pinned.Count);
    }

    [Fact]
    public void Make_DeviceOfItsOwn_ChargesTheComputationToIt()
    {
        MemoryPlan plan = MemoryPlan.Make(Llama7B with { DeviceBytes = 3 * Gib, TotalBytes = 6 * Gib });
        Assert.InRange(plan.DeviceBytes, 2 * 404_766_720L, 3 * Gib);
        Assert.DoesNotContain(plan.HostItems, item => item.Name == "logits");
    }

    [Fact]
    public void Explain_Plan_NamesEveryUseOfMemory()
    {
        MemoryPlan plan = MemoryPlan.Make(Llama7B with { TotalBytes = 8 * Gib });
        string text = plan.Explain();
        Assert.All(plan.HostItems, item => Assert.Contains(item.Name, text, StringComparison.Ordinal));
    }

    [Property(MaxTest = 150)]
    public void Make_AnyRequest_IsNeverOverBudgetAndNamesTheLeast(int seed)
    {
        PlanRequest request = RandomRequest(new Random(seed));
        try
        {
            MemoryPlan plan = MemoryPlan.Make(request);
            Assert.InRange(plan.HostBytes, 1, request.TotalBytes);
            Assert.InRange(plan.WeightBytes, 1, request.WeightBytes ?? long.MaxValue);
            Assert.InRange(plan.DeviceBytes, 0, request.DeviceBytes ?? 0);
            Assert.Equal(0, request.StepRows % plan.MicroBatchRows);
        }
        catch (BudgetExceededException refusal)
        {
            Assert.True(refusal.RequiredBytes > refusal.BudgetBytes);
            PlanRequest enough = Raise(request, refusal, 0);
            // Another budget may be too small as well; the one that was named is not named again.
            if (Refused(enough) is { } next) Assert.NotEqual(refusal.Message.Split(':')[0], next.Message.Split(':')[0]);
            Assert.Equal(refusal.RequiredBytes, Refused(Raise(request, refusal, -1))!.RequiredBytes);
        }
    }

    [Property(MaxTest = 100)]
    public void Make_MoreMemory_IsNeverSlower(int seed)
    {
        Random random = new(seed);
        PlanRequest request = RandomRequest(random);
        PlanRequest more = request with
        {
            TotalBytes = request.TotalBytes + random.NextInt64(request.TotalBytes),
            WeightBytes = random.Next(2) == 0 ? null : request.WeightBytes * 2,
            DeviceBytes = request.DeviceBytes + random.NextInt64(1 << 20),
        };
        if (Refused(request) is not null) return;
        Assert.True(MemoryPlan.Make(more).SecondsPerStep <= MemoryPlan.Make(request).SecondsPerStep);
    }

    private static PlanRequest RandomRequest(Random random)
    {
        int blocks = random.Next(1, 12);
        int rows = random.Next(1, 9);
        return new PlanRequest
        {
            UnitBytes = [.. Enumerable.Range(0, blocks).Select(_ => (long)random.Next(50_000, 60_000)), 64, .. Enumerable.Range(0, random.Next(1, 4)).Select(_ => (long)random.Next(1000, 90_000))],
            Blocks = blocks,
            BlockParameters = blocks * 30_000,
            HeadParameters = 20_000,
            HiddenSize = 64,
            VocabularySize = 500,
            ActivationBytesPerToken = 1200,
            ElementBytes = 2,
            MicroBatchRows = rows,
            StepRows = rows * random.Next(1, 4),
            Length = random.Next(4, 40),
            TrainedParameters = random.Next(0, 5000),
            RuntimeBytes = 1000,
            WeightBytes = random.Next(3) == 0 ? null : random.Next(50_000, 900_000),
            TotalBytes = random.Next(100_000, 4_000_000),
            DeviceBytes = random.Next(2) == 0 ? null : random.Next(100_000, 2_000_000),
            Speeds = new MeasuredSpeeds(random.Next(1, 1000) * 1e4, random.Next(1, 1000) * 1e5, random.Next(1, 1000) * 1e6),
        };
    }

    private static PlanRequest Raise(PlanRequest request, BudgetExceededException refusal, long extra) => refusal.Message.Split(':')[0] switch
    {
        "memory.weightBytes" => request with { WeightBytes = refusal.RequiredBytes + extra },
        "memory.totalBytes" => request with { TotalBytes = refusal.RequiredBytes + extra },
        _ => request with { DeviceBytes = refusal.RequiredBytes + extra },
    };

    private static BudgetExceededException? Refused(PlanRequest request)
    {
        try
        {
            MemoryPlan.Make(request);
            return null;
        }
        catch (BudgetExceededException refusal)
        {
            return refusal;
        }
    }
}
