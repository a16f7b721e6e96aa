using Lema.Protocol.V1;

namespace Lema.Web.ViewModels;

/// <summary>One part of the model (a decoder block with its experts, the final norm, a tile of the head) and where it is at a moment.</summary>
/// <param name="Host">The liveliest state of its slots in RAM; null when it is in none.</param>
/// <param name="Device">The liveliest state of its slots in VRAM; null when it is in none.</param>
public sealed record UnitPlace(string Name, bool IsCurrent, SlotSample.Types.State? Host, SlotSample.Types.State? Device)
{
    /// <summary>Whether the next visit has to bring it from disk.</summary>
    public bool OnDiskOnly => Host is null && Device is null;
}

/// <summary>What a tier's slots hold at a moment.</summary>
public sealed record TierPicture(Tier Tier, IReadOnlyList<SlotSample> Slots)
{
    public long UsedBytes => Slots.Where(slot => slot.State is not SlotSample.Types.State.Free).Sum(slot => slot.Bytes);

    public long Bytes => Slots.Sum(slot => slot.Bytes);
}

/// <summary>Disk -> RAM -> VRAM at one moment, arranged for showing.</summary>
/// <param name="Names">Of the units that slots hold; experts are units of their own there.</param>
/// <param name="Current">Index into the names; negative: none.</param>
public sealed record PipelinePicture(
    IReadOnlyList<UnitPlace> Units, IReadOnlyList<string> Names, TierPicture Host, TierPicture Device, PipelineSample.Types.Direction Direction, int Current)
{
    private static readonly SlotSample.Types.State[] Liveliest =
        [SlotSample.Types.State.Leased, SlotSample.Types.State.Loading, SlotSample.Types.State.Ready, SlotSample.Types.State.Pinned];

    public static PipelinePicture Of(PipelineSample sample)
    {
        Dictionary<int, SlotSample.Types.State> host = ByUnit(sample, Tier.Host), device = ByUnit(sample, Tier.Device);
        IEnumerable<UnitPlace> units = sample.Units.Select((name, index) => (Part: PartOf(name), Index: index)).GroupBy(unit => unit.Part, unit => unit.Index)
            .Select(part => new UnitPlace(part.Key, part.Contains(sample.CurrentUnit), StateOf(host, part), StateOf(device, part)));
        return new([.. units], sample.Units, In(sample, Tier.Host), In(sample, Tier.Device), sample.Direction, sample.CurrentUnit);
    }

    public string NameOf(int unit) => unit >= 0 && unit < Names.Count ? Names[unit] : "";

    // "block 3 expert 17" is drawn as a part of "block 3".
    private static string PartOf(string unit) => unit.IndexOf(" expert ", StringComparison.Ordinal) is > 0 and var end ? unit[..end] : unit;

    private static TierPicture In(PipelineSample sample, Tier tier) => new(tier, [.. sample.Slots.Where(slot => slot.Tier == tier)]);

    private static SlotSample.Types.State? StateOf(Dictionary<int, SlotSample.Types.State> states, IEnumerable<int> units)
    {
        SlotSample.Types.State[] there = [.. units.Where(states.ContainsKey).Select(unit => states[unit])];
        return there.Length == 0 ? null : Array.Find(Liveliest, state => there.Contains(state));
    }

    private static Dictionary<int, SlotSample.Types.State> ByUnit(PipelineSample sample, Tier tier)
    {
        Dictionary<int, SlotSample.Types.State> states = [];
        foreach (SlotSample slot in sample.Slots.Where(slot => slot.Tier == tier && slot.Unit >= 0 && slot.State is not SlotSample.Types.State.Free)) states[slot.Unit] = slot.State;
        return states;
    }
}
