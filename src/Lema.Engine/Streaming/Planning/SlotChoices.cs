namespace Lema.Engine.Streaming.Planning;

/// <summary>One way to divide a weight budget.</summary>
/// <param name="Bytes">Bytes of slots and pinned units.</param>
/// <param name="LoadedBytes">Bytes that a pass brings in from the tier below.</param>
internal sealed record SlotChoice(int Slots, int PinnedUnits, long Bytes, long LoadedBytes);

/// <summary>Every useful way to divide a weight budget, from the smallest on, each loading less than all before it.</summary>
internal sealed class SlotChoices
{
    private readonly List<SlotChoice> _best = [];

    public SlotChoices(IReadOnlyList<long> unitBytes)
    {
        long all = unitBytes.Sum();
        List<SlotChoice> every = [new SlotChoice(0, unitBytes.Count, all, 0)];
        for (int slots = 2; slots <= 3 && slots < unitBytes.Count; slots++)
        {
            // Each budget at which one more unit would fit beside the slots.
            long slotBytes = slots * unitBytes.Max();
            for (int count = 0; count < unitBytes.Count; count++)
            {
                long budget = slotBytes + SlotPlan.PinnedFor(unitBytes, count).Sum(unit => unitBytes[unit]);
                if (budget < all) every.Add(Choice(unitBytes, SlotPlan.Make(unitBytes, budget, slots, "")));
            }
        }
        foreach (SlotChoice choice in every.OrderBy(choice => choice.Bytes).ThenBy(choice => choice.LoadedBytes))
        {
            if (_best.Count == 0 || choice.LoadedBytes < _best[^1].LoadedBytes) _best.Add(choice);
        }
    }

    public long LeastBytes => _best[0].Bytes;

    /// <summary>The choice that loads least within a budget; null when none fits.</summary>
    public SlotChoice? Within(long budgetBytes) => _best.FindLast(choice => choice.Bytes <= budgetBytes);

    /// <summary>At both turns of a step, the units still in the slots are not loaded again.</summary>
    private static SlotChoice Choice(IReadOnlyList<long> unitBytes, SlotPlan plan)
    {
        long[] streamed = [.. Enumerable.Range(0, unitBytes.Count).Except(plan.Pinned).Select(unit => unitBytes[unit])];
        long reused = (streamed.Take(plan.Slots).Sum() + streamed.TakeLast(plan.Slots).Sum()) / 2;
        return new SlotChoice(plan.Slots, plan.Pinned.Count, plan.TotalBytes, Math.Max(0, streamed.Sum() - reused));
    }
}
