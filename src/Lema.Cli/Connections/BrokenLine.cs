namespace Lema.Cli.Connections;

/// <summary>Says once that the line to a daemon broke, and once that it is there again, though every call on it breaks with it. Safe to call from any thread.</summary>
/// <param name="note">Told of both, in sentences.</param>
/// <param name="clock">Tells calls that broke with a line from those that were made on the next one.</param>
internal sealed class BrokenLine(Action<string> note, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private bool _broken;
    private long? _connectedAgain;

    /// <param name="reason">A sentence.</param>
    /// <param name="after">How long ago the call began that broke: one that is older than the line is no news.</param>
    public void Broke(string reason, TimeSpan after = default)
    {
        lock (_lock)
        {
            if (_broken || (_connectedAgain is { } since && clock.GetElapsedTime(since) < after)) return;
            note($"{reason} Trying again.");
            _broken = true;
        }
    }

    public void Answered()
    {
        lock (_lock)
        {
            if (!_broken) return;
            note("Connected again.");
            _broken = false;
            _connectedAgain = clock.GetTimestamp();
        }
    }
}
