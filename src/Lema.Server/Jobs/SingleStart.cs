namespace Lema.Server.Jobs;

/// <summary>Starts jobs one call at a time, so that what a start looks up and takes, an idempotency key or the name of its result, is not taken twice. Lives as long as the daemon.</summary>
/// <param name="findByKey">The job that was started under an idempotency key.</param>
internal sealed class SingleStart<T>(Func<string, T?> findByKey) where T : class
{
    private readonly SemaphoreSlim _starting = new(1, 1);

    /// <summary>The job that was started under the key, or a new one.</summary>
    /// <param name="key">Empty: each call is a job of its own.</param>
    public async Task<T> StartAsync(string key, Func<Task<T>> startNew)
    {
        await _starting.WaitAsync().ConfigureAwait(false);
        try
        {
            return key.Length > 0 && findByKey(key) is { } earlier ? earlier : await startNew().ConfigureAwait(false);
        }
        finally
        {
            _starting.Release();
        }
    }
}
