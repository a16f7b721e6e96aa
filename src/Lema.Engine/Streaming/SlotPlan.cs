using Lema.Engine.Errors;

namespace Lema.Engine.Streaming;

/// <summary>How a byte budget is divided: slots that units share by turns, and units that stay.</summary>
/// <param name="Slots">Number of shared slots; 0 when every unit stays.</param>
/// <param name="SlotBytes">Bytes of each shared slot.</param>
/// <param name="Pinned">Units that stay, in order.</param>
/// <param name="TotalBytes">Bytes of all of it.</param>
internal sealed record SlotPlan(int Slots, long SlotBytes, IReadOnlyList<int> Pinned, long TotalBytes)
{
    private const int LeastSlots = 2;
    private const int SmallShare = 32;

    /// <param name="unitBytes">Bytes that each unit takes in a slot.</param>
    /// <param name="slots">Null: chosen here.</param>
    /// <param name="setting">Name of the budget in the settings, for the refusal.</param>
    /// <exception cref="BudgetExceededException">The budget does not hold the slots.</exception>
    public static SlotPlan Make(IReadOnlyList<long> unitBytes, long budgetBytes, int? slots, string setting)
    {
        long all = unitBytes.Sum();
        if (all <= budgetBytes) return new SlotPlan(0, 0, [.. Enumerable.Range(0, unitBytes.Count)], all);
        long slotBytes = unitBytes.Max();
        int count = Math.Min(slots ?? (budgetBytes >= 4 * slotBytes ? 3 : LeastSlots), unitBytes.Count);
        long least = count * slotBytes;
        if (least > budgetBytes)
            throw new BudgetExceededException(Math.Min(all, least), budgetBytes, $"{setting}: {count} slots for the largest unit, {slotBytes:N0} bytes,");
        IReadOnlyList<int> pinned = Pins(unitBytes, budgetBytes - least);
        return new SlotPlan(count, slotBytes, pinned, least + pinned.Sum(unit => unitBytes[unit]));
    }

    /// <summary>
    /// Units that are small beside a slot, for a slot would be wasted on them, and <paramref name="count"/> of the others, spread evenly: between two
    /// pinned ones the disk gets the same time to bring in the rest, so that no stretch of the pass waits longer than another.
    /// </summary>
    public static IReadOnlyList<int> PinnedFor(IReadOnlyList<long> unitBytes, int count)
    {
        long smallBytes = unitBytes.Max() / SmallShare;
        int[] small = [.. Enumerable.Range(0, unitBytes.Count).Where(unit => unitBytes[unit] <= smallBytes)];
        int[] large = [.. Enumerable.Range(0, unitBytes.Count).Except(small)];
        count = Math.Min(count, large.Length);
        return [.. small.Concat(Enumerable.Range(0, count).Select(pin => large[(2L * pin + 1) * large.Length / (2L * count)])).Order()];
    }

    /// <summary>As many as fit.</summary>
    private static IReadOnlyList<int> Pins(IReadOnlyList<long> unitBytes, long bytes)
    {
        for (int count = unitBytes.Count; count >= 0; count--)
        {
            IReadOnlyList<int> pins = PinnedFor(unitBytes, count);
            if (pins.Sum(unit => unitBytes[unit]) <= bytes) return pins;
        }
        return [];
    }
}
