namespace Lema.Engine.Streaming;

/// <summary>Bytes of host memory.</summary>
public readonly record struct MemoryRange(nint Address, long ByteCount)
{
    public bool Contains(MemoryRange other) => other.Address >= Address && other.Address - Address + other.ByteCount <= ByteCount;
}
