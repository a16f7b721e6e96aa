using Lema.Protocol.Client;
using Lema.Web.SignIn;
using Microsoft.AspNetCore.Components.Authorization;

namespace Lema.Web.Clients;

/// <summary>The daemons as the signed-in user may use them. Lives as long as a page's circuit and gives its connections back with it.</summary>
public sealed class UserDaemons(AuthenticationStateProvider authentication, HostDirectory directory, ConnectionPool pool) : IAsyncDisposable
{
    private readonly Dictionary<string, ConnectionLease> _leases = [];

    /// <summary>Every daemon of the directory, with a connection to those the user is signed in to.</summary>
    public async Task<IReadOnlyList<HostAccess>> AllAsync()
    {
        List<HostAccess> hosts = [];
        foreach (DaemonEndpoint endpoint in directory.All) hosts.Add(await AccessAsync(endpoint));
        return hosts;
    }

    /// <summary>Connections to the daemons the user is signed in to.</summary>
    public async Task<IReadOnlyList<DaemonConnection>> SignedInAsync() =>
        [.. (await AllAsync()).Select(host => host.Connection).OfType<DaemonConnection>()];

    /// <summary>The connection to one daemon, or null where there is no such host or the user is not signed in to it.</summary>
    public async Task<DaemonConnection?> FindAsync(string? name) =>
        name is not null && directory.Find(name) is { } endpoint ? (await AccessAsync(endpoint)).Connection : null;

    public async ValueTask DisposeAsync()
    {
        foreach (ConnectionLease lease in _leases.Values) await lease.DisposeAsync();
        _leases.Clear();
    }

    private async Task<HostAccess> AccessAsync(DaemonEndpoint endpoint)
    {
        if (_leases.TryGetValue(endpoint.Name, out ConnectionLease? lease)) return new(endpoint, lease.Connection, null);
        AuthenticationState state = await authentication.GetAuthenticationStateAsync();
        if (state.User.TokenFor(endpoint.Name) is not { } token) return new(endpoint, null, null);
        try
        {
            lease = pool.Lease(endpoint, token);
        }
        catch (DaemonOptionsException unusable)
        {
            return new(endpoint, null, unusable.Message);
        }
        _leases[endpoint.Name] = lease;
        return new(endpoint, lease.Connection, null);
    }
}

/// <summary>A daemon of the directory, and how far this user gets with it.</summary>
/// <param name="Connection">Null: the user is not signed in to it, or it cannot be used.</param>
/// <param name="Problem">Why it cannot be used.</param>
public sealed record HostAccess(DaemonEndpoint Endpoint, DaemonConnection? Connection, string? Problem)
{
    public string Name => Endpoint.Name;
}
