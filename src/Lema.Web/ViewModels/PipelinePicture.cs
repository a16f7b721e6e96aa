using Lema.Protocol.V1;

namespace Lema.Web.ViewModels;

/// <summary>One unit of the model (embedding, decoder block, head) and where it is at a moment.</summary>
/// <param name="Host">The state of its slot in RAM; null when it is in none.</param>
/// <param name="Device">The state of its slot in VRAM; null when it is in none.</param>
public sealed record UnitPlace(int Index, string Name, bool IsCurrent, SlotSample.Types.State? Host, SlotSample.Types.State? Device)
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
public sealed record PipelinePicture(IReadOnlyList<UnitPlace> Units, TierPicture Host, TierPicture Device, PipelineSample.Types.Direction Direction, int Current)
{
    public static PipelinePicture Of(PipelineSample sample)
    {
        Dictionary<int, SlotSample.Types.State> host = ByUnit(sample, Tier.Host), device = ByUnit(sample, Tier.Device);
        List<UnitPlace> units = [];
        for (int i = 0; i < sample.Units.Count; i++)
        {
            units.Add(new(i, sample.Units[i], i == sample.CurrentUnit, StateOf(host, i), StateOf(device, i)));
        }
        return new(units, In(sample, Tier.Host), In(sample, Tier.Device), sample.Direction, sample.CurrentUnit);
    }

    public string NameOf(int unit) => unit >= 0 && unit < Units.Count ? Units[unit].Name : "";

    private static TierPicture In(PipelineSample sample, Tier tier) => new(tier, [.. sample.Slots.Where(slot => slot.Tier == tier)]);

    private static SlotSample.Types.State? StateOf(Dictionary<int, SlotSample.Types.State> states, int unit) =>
        states.TryGetValue(unit, out SlotSample.Types.State state) ? state : null;

    private static Dictionary<int, SlotSample.Types.State> ByUnit(PipelineSample sample, Tier tier)
    {
        Dictionary<int, SlotSample.Types.State> states = [];
        foreach (SlotSample slot in sample.Slots.Where(slot => slot.Tier == tier && slot.Unit >= 0 && slot.State is not SlotSample.Types.State.Free)) states[slot.Unit] = slot.State;
        return states;
    }
}
