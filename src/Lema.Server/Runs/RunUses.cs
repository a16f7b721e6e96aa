using Lema.Protocol.V1;
using Lema.Server.Errors;

namespace Lema.Server.Runs;

/// <summary>
/// What runs that are not over need: a model, datasets, another run that they start from. Runs are added, and what they may need is removed, one at a time: nobody comes between the
/// other's look and what follows from it. Lives as long as the daemon.
/// </summary>
internal sealed class RunUses(RunStore runs)
{
    private readonly SemaphoreSlim _alone = new(1, 1);

    /// <param name="what">Named as in a sentence's beginning.</param>
    /// <param name="done">What cannot be done with it.</param>
    /// <param name="otherwise">What else the caller could do.</param>
    /// <exception cref="ConflictException">Runs are not through with it; they are named.</exception>
    public void Check(string what, string done, Func<RunDetail, bool> uses, string otherwise = "")
    {
        if (runs.Unfinished(uses) is { Count: > 0 } users)
            throw new ConflictException($"{what} cannot be {done}: it is used by {string.Join(", ", users)}. Stop these runs first{otherwise}.");
    }

    /// <summary>Makes a change that rests on such a look.</summary>
    public async Task<T> AloneAsync<T>(Func<Task<T>> change)
    {
        await _alone.WaitAsync().ConfigureAwait(false);
        try
        {
            return await change().ConfigureAwait(false);
        }
        finally
        {
            _alone.Release();
        }
    }
}
