namespace Lema.Protocol.Client;

/// <summary>What a recovering watch tells its user.</summary>
public abstract record StreamUpdate<T>
{
    private StreamUpdate() { }

    /// <summary>A message of the daemon. The first one after <see cref="Lost"/> means that the connection is back.</summary>
    public sealed record Message(T Value) : StreamUpdate<T>;

    /// <summary>The connection is gone; it is tried again after <paramref name="RetryIn"/>.</summary>
    public sealed record Lost(Failure Reason, TimeSpan RetryIn) : StreamUpdate<T>;
}
