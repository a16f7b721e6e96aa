using Microsoft.Extensions.Time.Testing;

namespace Lema.Server.Tests.Fakes;

/// <summary>A clock that the test turns, and that calls the test whenever it is read: a place between two writes of the daemon.</summary>
internal sealed class TurnedClock() : FakeTimeProvider(DateTimeOffset.UtcNow)
{
    public Action? WhenRead { get; set; }

    public override DateTimeOffset GetUtcNow()
    {
        WhenRead?.Invoke();
        return base.GetUtcNow();
    }

    /// <summary>Turns the clock until something has happened; slowly enough that nobody who is well seems to hang.</summary>
    public async Task<T> UntilAsync<T>(Task<T> awaited)
    {
        await UntilAsync((Task)awaited);
        return await awaited;
    }

    /// <inheritdoc cref="UntilAsync{T}"/>
    public async Task UntilAsync(Task awaited)
    {
        await UntilAsync(() => awaited.IsCompleted);
        await awaited;
    }

    /// <summary>Turns the clock until something is so, and not much further.</summary>
    public async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(1));
        while (!isSo())
        {
            Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(50, late.Token);
        }
    }
}
