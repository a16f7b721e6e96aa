namespace Lema.Server.Runs;

/// <summary>
/// When a watcher's next message of progress is due. What a thousand watchers wait for happens in one moment and is not told to all in that moment: beats lie a fixed interval apart,
/// at a phase that the watchers of one connection share, so that their messages leave together. Goes by the clock that nobody can set. Lives as long as the watch.
/// </summary>
/// <param name="phase">From 0 to below 1.</param>
internal sealed class Rhythm(TimeSpan interval, double phase, TimeProvider clock)
{
    private bool _hasSent;

    /// <summary>Until the next beat; zero for the first message.</summary>
    public TimeSpan UntilNext() => _hasSent ? interval - new TimeSpan((clock.GetElapsedTime(0) + interval * phase).Ticks % interval.Ticks) : TimeSpan.Zero;

    public void Sent() => _hasSent = true;
}
