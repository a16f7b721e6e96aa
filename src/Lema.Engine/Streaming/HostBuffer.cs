using System.Runtime.InteropServices;

namespace Lema.Engine.Streaming;

/// <summary>Page-aligned host memory, as O_DIRECT and DMA need it. Allocated once, freed when the stream ends.</summary>
internal sealed unsafe class HostBuffer : SafeHandle
{
    public const int Alignment = 4096;

    public HostBuffer(long byteCount) : base(0, ownsHandle: true)
    {
        ByteCount = byteCount;
        SetHandle((nint)NativeMemory.AlignedAlloc(checked((nuint)Math.Max(byteCount, 1)), Alignment));
    }

    public long ByteCount { get; }

    public nint Address => handle;

    public override bool IsInvalid => handle == 0;

    public Span<byte> Span(long offset, int byteCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + byteCount, ByteCount);
        return new Span<byte>((void*)(handle + (nint)offset), byteCount);
    }

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
