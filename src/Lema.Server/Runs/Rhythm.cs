namespace Lema.Server.Runs;

/// <summary>
/// When a watcher's next message of progress is due. Every watcher has beats of its own, a fixed interval apart from a random beginning: what a thousand of them wait for
/// happens in one moment, and is not told to all in that moment. Goes by the clock that nobody can set. Lives as long as the watch.
/// </summary>
internal sealed class Rhythm(TimeSpan interval, TimeProvider clock)
{
    private readonly TimeSpan _phase = interval * Random.Shared.NextDouble();
    private readonly long _start = clock.GetTimestamp();
    private bool _hasSent;

    /// <summary>Until the next beat; zero for the first message.</summary>
    public TimeSpan UntilNext() => _hasSent ? new(interval.Ticks - (clock.GetElapsedTime(_start) + _phase).Ticks % interval.Ticks) : TimeSpan.Zero;

    public void Sent() => _hasSent = true;
}
