namespace Lema.Engine.Models.Operations;

/// <summary>
/// Threads that help with work of a few microseconds, for which the pool's threads wake up too late: between two pieces of work they watch for the next one for a short
/// while and then sleep. Whoever asks works along and never waits for a helper that has not begun, so another busy process costs help, not time. For work without exceptions.
/// </summary>
internal sealed class ComputeTeam
{
    private static readonly long WatchTicks = System.Diagnostics.Stopwatch.Frequency / 10_000;

    private const int SpinsBeforeYield = 1000;

    private readonly Helper[] _helpers;
    private Work? _current;

    private ComputeTeam(int helpers) => _helpers = [.. Enumerable.Range(0, helpers).Select(_ => new Helper(this))];

    /// <summary>One thread for each processor, the caller's included.</summary>
    public static ComputeTeam Shared { get; } = new(Environment.ProcessorCount - 1);

    public int ThreadCount => _helpers.Length + 1;

    /// <summary>Runs parts 0 to <paramref name="parts"/> - 1 in any order and returns when all are done.</summary>
    /// <param name="meanwhile">What helpers do afterwards, less than a microsecond at a call, until it returns false or other work comes.</param>
    public void Run(int parts, Action<int> part, Func<bool>? meanwhile = null)
    {
        Work work = new(parts, part, meanwhile);
        if (parts > 1)
        {
            // A full fence: a helper that falls asleep meanwhile sees the work, or is seen asleep.
            Interlocked.Exchange(ref _current, work);
            foreach (Helper helper in _helpers) helper.Wake();
        }
        work.Join();
        // Parts take microseconds: a call of the operating system would take as long. Beyond that the helper was interrupted, and the processor may be its own.
        for (int i = 0; i < SpinsBeforeYield && !work.IsDone; i++) Thread.SpinWait(4);
        while (!work.IsDone) Thread.Yield();
    }

    private sealed class Work(int parts, Action<int> part, Func<bool>? meanwhile)
    {
        private int _next, _done;

        public Func<bool>? Meanwhile => meanwhile;

        public bool IsDone => Volatile.Read(ref _done) == parts;

        /// <summary>Takes parts until none is left.</summary>
        public void Join()
        {
            for (int mine; (mine = Interlocked.Increment(ref _next) - 1) < parts; Interlocked.Increment(ref _done)) part(mine);
        }
    }

    private sealed class Helper
    {
        private readonly ComputeTeam _team;
        private readonly SemaphoreSlim _woken = new(0);
        private int _sleeps;

        public Helper(ComputeTeam team)
        {
            _team = team;
            new Thread(Help) { IsBackground = true, Name = "lema compute" }.Start();
        }

        public void Wake()
        {
            if (Volatile.Read(ref _sleeps) == 1 && Interlocked.Exchange(ref _sleeps, 0) == 1) _woken.Release();
        }

        private void Help()
        {
            Work? last = null;
            while (true)
            {
                long start = System.Diagnostics.Stopwatch.GetTimestamp();
                while (Volatile.Read(ref _team._current) == last)
                {
                    Thread.SpinWait(8);
                    if (System.Diagnostics.Stopwatch.GetTimestamp() - start > WatchTicks) Sleep(last);
                }
                last = Volatile.Read(ref _team._current);
                last!.Join();
                if (last.Meanwhile is { } meanwhile)
                {
                    while (Volatile.Read(ref _team._current) == last && meanwhile())
                    {
                        // a little at a time
                    }
                }
            }
        }

        private void Sleep(Work? last)
        {
            Interlocked.Exchange(ref _sleeps, 1);
            // Work that came before the flag was seen is not slept through.
            if (Volatile.Read(ref _team._current) != last && Interlocked.Exchange(ref _sleeps, 0) == 1) return;
            _woken.Wait();
        }
    }
}
