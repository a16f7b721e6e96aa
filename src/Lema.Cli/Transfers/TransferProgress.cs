using Lema.Cli.Rendering;
using Lema.Protocol.V1;

namespace Lema.Cli.Transfers;

/// <summary>Bytes moved so far by all parallel calls, shown as one line.</summary>
internal sealed class TransferProgress(Output output, TimeProvider clock, string phase, long total)
{
    private static readonly TimeSpan RedrawInterval = TimeSpan.FromMilliseconds(100);

    private readonly JobProgress _line = new(output, clock);
    private readonly Lock _lock = new();
    private long _done;
    private long _drawn;

    /// <summary>Adds bytes that have arrived; safe to call from any thread.</summary>
    public void Add(long bytes)
    {
        lock (_lock)
        {
            _done += bytes;
            if (_done < total && _drawn != 0 && clock.GetElapsedTime(_drawn) < RedrawInterval) return;
            _drawn = clock.GetTimestamp();
            if (!output.Json) _line.Show(new Progress { Phase = phase, Done = _done, Total = total, Unit = "bytes" });
        }
    }

    /// <summary>Adds bytes that were there before; safe to call from any thread.</summary>
    public void Skip(long bytes)
    {
        lock (_lock)
        {
            _line.Skip(bytes);
            Add(bytes);
        }
    }

    public void End() => _line.End();
}
