namespace Lema.Engine.Streaming;

/// <summary>How a <see cref="WeightStream"/> uses memory and disk.</summary>
public sealed record WeightStreamOptions
{
    /// <summary>Bytes of all slots and pinned units together.</summary>
    public required long BudgetBytes { get; init; }

    /// <summary>Slots that units share by turns, at least two; null: three where the budget holds four, else two.</summary>
    public int? Slots { get; init; }

    /// <summary>Threads that read from disk.</summary>
    public int ReaderThreads { get; init; } = 2;

    public DirectIo DirectIo { get; init; } = DirectIo.Auto;

    /// <summary>Bytes of one read call, a multiple of 4,096.</summary>
    public int ReadBytes { get; init; } = 8 << 20;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ReaderThreads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(ReadBytes, HostBuffer.Alignment);
        ArgumentOutOfRangeException.ThrowIfNotEqual(ReadBytes % HostBuffer.Alignment, 0);
        if (Slots is { } slots) ArgumentOutOfRangeException.ThrowIfLessThan(slots, 2);
    }
}
