using Grpc.Core;
using Lema.Server.Security;

namespace Lema.Server.Services;

/// <summary>How many streams there may be, in all and for one token. Lives as long as the daemon.</summary>
internal sealed class WatchLimits
{
    public const int Most = 1_024, MostOfOne = 32;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _byPrincipal = [];
    private int _all;

    public int Count
    {
        get { lock (_gate) return _all; }
    }

    /// <summary>A place for one more watcher, given back on disposal.</summary>
    /// <exception cref="RpcException">There is none left.</exception>
    public IDisposable Enter(Principal principal)
    {
        lock (_gate)
        {
            int own = _byPrincipal.GetValueOrDefault(principal.Name);
            if (_all >= Most || own >= MostOfOne)
                throw new RpcException(new Status(StatusCode.ResourceExhausted, own >= MostOfOne
                    ? $"Token '{principal.Name}' has {own} watches open, which is the most. Close some, or use another token." : $"{_all} watches are open, which is the most. Try again later."));
            _all++;
            _byPrincipal[principal.Name] = own + 1;
        }
        return new Place(this, principal.Name);
    }

    private void Leave(string principal)
    {
        lock (_gate)
        {
            _all--;
            if (--_byPrincipal[principal] == 0) _byPrincipal.Remove(principal);
        }
    }

    private sealed class Place(WatchLimits limits, string principal) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) limits.Leave(principal);
        }
    }
}
