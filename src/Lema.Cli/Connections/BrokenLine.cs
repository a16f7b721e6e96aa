namespace Lema.Cli.Connections;

/// <summary>Says once that the line to a daemon broke, and once that it is there again, though every call on it breaks with it. Safe to call from any thread.</summary>
internal sealed class BrokenLine(Action<string> note)
{
    private readonly Lock _lock = new();
    private bool _broken;

    /// <param name="reason">A sentence.</param>
    public void Broke(string reason)
    {
        lock (_lock)
        {
            if (!_broken) note($"{reason} Trying again.");
            _broken = true;
        }
    }

    public void Answered()
    {
        lock (_lock)
        {
            if (_broken) note("Connected again.");
            _broken = false;
        }
    }
}
