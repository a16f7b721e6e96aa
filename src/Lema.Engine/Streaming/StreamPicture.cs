namespace Lema.Engine.Streaming;

public enum SlotState
{
    Free,

    /// <summary>A unit is on its way into the slot.</summary>
    Loading,

    /// <summary>A unit is in the slot and not in use.</summary>
    Ready,

    /// <summary>Its unit is being computed with, or copied to the device.</summary>
    Leased,

    /// <summary>Its unit stays for the whole job, and is not in use.</summary>
    Pinned,
}

/// <summary>One slot at a moment.</summary>
/// <param name="OnDevice">It lies in the device's memory, otherwise in the host's.</param>
/// <param name="Unit">Index of the unit in the slot or on its way there; -1: none.</param>
/// <param name="ByteCount">Size of the slot, whatever lies in it.</param>
public sealed record SlotPicture(bool OnDevice, SlotState State, int Unit, long ByteCount);

/// <summary>Where the units of a stream are at one moment.</summary>
/// <param name="Current">Index of the unit that the computation is at; -1: it uses none.</param>
/// <param name="Descends">The unit before it came later in the order of the model, as in a backward pass.</param>
public sealed record StreamPicture(IReadOnlyList<SlotPicture> Slots, int Current, bool Descends);
