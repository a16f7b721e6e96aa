using Lema.Server.Errors;

namespace Lema.Server.Models;

/// <summary>One preparation of a model at a time. Lives as long as the daemon.</summary>
internal sealed class PreparationLocks
{
    private readonly HashSet<string> _held = [];

    /// <exception cref="ConflictException">The model is being prepared.</exception>
    public IDisposable Hold(string model)
    {
        lock (_held)
            if (!_held.Add(model)) throw new ConflictException($"Model '{model}' is being prepared already.");
        return new Held(this, model);
    }

    private sealed class Held(PreparationLocks locks, string model) : IDisposable
    {
        public void Dispose()
        {
            lock (locks._held) locks._held.Remove(model);
        }
    }
}
