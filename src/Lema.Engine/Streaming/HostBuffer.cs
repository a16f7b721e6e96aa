using System.Runtime.InteropServices;

namespace Lema.Engine.Streaming;

/// <summary>
/// Page-aligned host memory, as O_DIRECT and DMA need it. Allocated once, given back to the operating system when the stream ends. Large buffers lie on huge pages where
/// the system grants them: a direct read into pages of 4 KiB is several times slower.
/// </summary>
internal sealed unsafe partial class HostBuffer : SafeHandle
{
    public const int Alignment = 4096;

    private const nint HugePageBytes = 2 << 20;
    private const int ReadWrite = 3, PrivateAnonymous = 0x22, AdviceHugePage = 14;

    // Where the mapping starts, which is not at a border of huge pages; 0 for memory of the heap.
    private readonly nint _mapping;
    private readonly nint _mappedBytes;

    public HostBuffer(long byteCount) : base(0, ownsHandle: true)
    {
        ByteCount = byteCount;
        if (OperatingSystem.IsLinux() && byteCount >= HugePageBytes)
        {
            _mappedBytes = checked((nint)byteCount + HugePageBytes);
            _mapping = Map(0, _mappedBytes, ReadWrite, PrivateAnonymous, -1, 0);
            if (_mapping == -1) throw new OutOfMemoryException($"No {byteCount:N0} bytes of memory for a buffer: {Marshal.GetLastPInvokeErrorMessage()}");
            nint start = (_mapping + HugePageBytes - 1) / HugePageBytes * HugePageBytes;
            // Without huge pages it is slower and no less right, so the answer does not matter.
            _ = Advise(start, (nint)byteCount / HugePageBytes * HugePageBytes, AdviceHugePage);
            SetHandle(start);
        }
        else
        {
            SetHandle((nint)NativeMemory.AlignedAlloc(checked((nuint)Math.Max(byteCount, 1)), Alignment));
        }
    }

    private HostBuffer(HostBuffer whole, long offset, long byteCount) : base(0, ownsHandle: false)
    {
        ByteCount = byteCount;
        SetHandle(whole.Address + (nint)offset);
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

    /// <summary>A part of this buffer, which has to outlive it.</summary>
    public HostBuffer Slice(long offset, long byteCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + byteCount, ByteCount);
        return new HostBuffer(this, offset, byteCount);
    }

    protected override bool ReleaseHandle()
    {
        if (_mapping != 0) return Unmap(_mapping, _mappedBytes) == 0;
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nint length, int advice);
}
