using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Clients;

namespace Lema.Web.SignIn;

/// <summary>Asks a daemon whether it knows a token.</summary>
public sealed class TokenCheck(ConnectionPool pool)
{
    private const int LongestToken = 512;

    /// <summary>Null where the daemon took the token; otherwise what to tell the user.</summary>
    public async Task<string?> ProblemAsync(DaemonEndpoint endpoint, string token, CancellationToken cancellation)
    {
        if (token.Length is 0 or > LongestToken || token.Any(character => character is < '!' or > '~'))
        {
            return "That is no token. Copy the one line of the daemon's DATA/admin.token, or one made by lema-server token add.";
        }
        try
        {
            await using ConnectionLease lease = pool.Lease(endpoint, token);
            await lease.Connection.Host.GetHostInfoAsync(new GetHostInfoRequest(), deadline: DaemonConnection.Soon, cancellationToken: cancellation);
            return null;
        }
        catch (DaemonOptionsException unusable)
        {
            return unusable.Message;
        }
        catch (RpcException refused) when (refused.StatusCode == StatusCode.Unauthenticated)
        {
            return $"{endpoint.Name} does not know this token.";
        }
        catch (RpcException failed)
        {
            return $"{endpoint.Name}: {Failure.From(failed).Message}";
        }
    }
}
