using FsCheck.Xunit;
using Lema.Engine.Errors;
using Lema.Engine.Streaming;

namespace Lema.Engine.Tests.Streaming;

public sealed class SlotPlanTests
{
    [Theory]
    [InlineData(200, 2, new int[] { })]
    [InlineData(400, 3, new[] { 5 })]
    [InlineData(500, 3, new[] { 2, 7 })]
    [InlineData(800, 3, new[] { 1, 3, 5, 7, 9 })]
    [InlineData(1000, 0, new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 })]
    public void Make_TenEqualUnits_SpreadsThePinnedOnes(long budget, int slots, int[] pinned)
    {
        SlotPlan plan = SlotPlan.Make([.. Enumerable.Repeat(100L, 10)], budget, null, "memory.weightBytes");
        Assert.Equal(slots, plan.Slots);
        Assert.Equal(pinned, plan.Pinned);
    }

    [Fact]
    public void Make_SmallUnit_IsPinnedFirst() => Assert.Equal([3], SlotPlan.Make([100, 100, 100, 1, 100], 250, null, "memory.weightBytes").Pinned);

    [Property]
    public void Make_AnyUnitsAndBudget_IsNeverOverItAndNamesTheLeast(int seed)
    {
        Random random = new(seed);
        long[] units = [.. Enumerable.Range(0, random.Next(1, 40)).Select(_ => (long)random.Next(1, 1000))];
        long budget = random.Next(1, 30_000);
        try
        {
            SlotPlan plan = SlotPlan.Make(units, budget, null, "memory.weightBytes");
            Assert.InRange(plan.TotalBytes, 1, budget);
            Assert.Equal(plan.Slots * plan.SlotBytes + plan.Pinned.Sum(unit => units[unit]), plan.TotalBytes);
        }
        catch (BudgetExceededException refusal)
        {
            Assert.True(refusal.RequiredBytes > budget);
            SlotPlan.Make(units, refusal.RequiredBytes, null, "memory.weightBytes");
            Assert.Throws<BudgetExceededException>(() => SlotPlan.Make(units, refusal.RequiredBytes - 1, null, "memory.weightBytes"));
        }
    }
}
