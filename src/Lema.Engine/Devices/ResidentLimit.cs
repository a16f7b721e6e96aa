namespace Lema.Engine.Devices;

/// <summary>Keeps a process to the resident memory that was planned for it: what lies free between buffers in use is in no plan.</summary>
internal sealed class ResidentLimit(long bytes)
{
    // Where memory in use is beyond the limit itself, giving pages back again and again would only map them anew.
    private const long Growth = 64L << 20;

    private long _reached;

    public void Keep()
    {
        if (ProcessMemory.RssBytes <= Math.Max(bytes, _reached + Growth)) return;
        NativeHeap.Trim();
        _reached = ProcessMemory.RssBytes;
    }
}
