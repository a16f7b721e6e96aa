using System.Collections.Concurrent;
using Lema.Protocol.V1;
using Lema.Server.Workers;

namespace Lema.Server.Monitoring;

/// <summary>Which workers there are and what they last told of themselves. Lives as long as the daemon.</summary>
internal sealed class WorkerBoard
{
    private readonly ConcurrentDictionary<Entry, byte> _entries = new();

    /// <param name="givenBytes">Memory reserved for the worker.</param>
    /// <param name="isLimit">A user set it; otherwise it is an estimate.</param>
    public Entry Add(string job, IEngineWorker worker, long givenBytes, bool isLimit = false)
    {
        Entry entry = new(this, job, worker, givenBytes, isLimit);
        _entries.TryAdd(entry, 0);
        return entry;
    }

    public IReadOnlyList<WorkerSample> Samples() => [.. _entries.Keys.Select(entry => entry.Sample())];

    /// <summary>The worker of a job; null when there is none.</summary>
    public IEngineWorker? WorkerOf(string job) => _entries.Keys.FirstOrDefault(entry => entry.Job == job)?.Worker;

    /// <summary>The process that works for a job; null when there is none, or it is this one.</summary>
    public int? ProcessIdOf(string job) => WorkerOf(job)?.ProcessId;

    public int Count => _entries.Count;

    /// <summary>One worker; disposing it takes it off the board.</summary>
    internal sealed class Entry(WorkerBoard board, string job, IEngineWorker worker, long givenBytes, bool isLimit) : IDisposable
    {
        private volatile WorkerSample? _reported;
        private long _rss;

        public string Job => job;

        public long GivenBytes => givenBytes;

        public bool IsLimit => isLimit;

        public IEngineWorker Worker => worker;

        public long Rss
        {
            get => Interlocked.Read(ref _rss);
            set => Interlocked.Exchange(ref _rss, value);
        }

        public void Report(WorkerSample sample) => _reported = sample;

        public WorkerSample Sample()
        {
            WorkerSample sample = _reported?.Clone() ?? new WorkerSample();
            sample.Job = job;
            sample.PlannedBytes = givenBytes;
            sample.RssBytes = worker.ProcessId is { } id ? ProcessMemory.ResidentBytes(id) ?? Rss : Rss;
            return sample;
        }

        public void Dispose() => board._entries.TryRemove(this, out _);
    }
}
