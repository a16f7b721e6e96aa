using Grpc.Core;
using Lema.Protocol.V1;

namespace Lema.Server.Security;

/// <summary>Who makes a call: the name and role of a token.</summary>
internal sealed record Principal(string Name, Role Role)
{
    private static readonly object Key = new();

    public void Attach(HttpContext context) => context.Items[Key] = this;

    /// <exception cref="InvalidOperationException">The call did not pass authentication.</exception>
    public static Principal Of(HttpContext context) => context.Items[Key] as Principal ?? throw new InvalidOperationException("The call was not authenticated.");

    public static Principal Of(ServerCallContext context) => Of(context.GetHttpContext());
}
