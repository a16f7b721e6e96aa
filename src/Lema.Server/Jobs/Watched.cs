namespace Lema.Server.Jobs;

/// <summary>A value that changes, and a signal with each change. Readers get the newest value; what came between they may miss.</summary>
internal sealed class Watched<T>(T value) where T : class
{
    private readonly Lock _gate = new();
    private T _value = value;
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>The value now, and the task that ends with its next change.</summary>
    public (T Value, Task NextChange) Now
    {
        get { lock (_gate) return (_value, _changed.Task); }
    }

    public T Value => Now.Value;

    public void Set(T value)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            _value = value;
            changed = _changed;
            _changed = NewSignal();
        }
        changed.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
