using System.Collections.Concurrent;

namespace Lema.Engine.Streaming;

/// <summary>
/// A thread for calls that block or compute beside the caller's own work, one after another in the order in which they were asked for. The pool's threads are few, and
/// starting one for each call costs as much as reading a megabyte. Starts with the first call.
/// </summary>
internal sealed class WorkThread(string name) : IDisposable
{
    private readonly BlockingCollection<Task> _calls = [];
    private Thread? _thread;

    public Task Run(Action call)
    {
        if (_thread is null)
        {
            _thread = new Thread(Work) { Name = name, IsBackground = true };
            _thread.Start();
        }
        Task task = new(call);
        _calls.Add(task);
        return task;
    }

    /// <summary>Waits for the calls that are under way: their buffers must outlive them.</summary>
    public void Dispose()
    {
        _calls.CompleteAdding();
        _thread?.Join();
        _calls.Dispose();
    }

    private void Work()
    {
        foreach (Task call in _calls.GetConsumingEnumerable()) call.RunSynchronously(TaskScheduler.Default);
    }
}
