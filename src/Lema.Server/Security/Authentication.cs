using System.Net;
using Lema.Protocol.V1;

namespace Lema.Server.Security;

/// <summary>
/// Stands before everything the daemon serves: no token, no answer, but for the liveness page. Made once; its calls last as long as a request.
/// </summary>
internal sealed class Authentication(RequestDelegate next, TokenStore tokens, FailureLimiter limiter, AuditLog audit)
{
    /// <summary>The one page that needs no token; it says nothing but that the process is alive.</summary>
    public const string LivenessPath = "/livez";

    private const string Scheme = "Bearer ";
    private const int Unauthenticated = 16, PermissionDenied = 7, ResourceExhausted = 8;

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Path == LivenessPath)
        {
            await next(context);
            return;
        }
        IPAddress peer = context.Connection.RemoteIpAddress ?? IPAddress.None;
        if (TokenOf(context) is not { } token || tokens.Find(token) is not { } principal)
        {
            // Right tokens pass all the same: a program with an old one must not lock out everybody at its address.
            if (limiter.IsBlocked(peer))
            {
                // On record once a window: whoever guesses on must not fill the disk.
                bool recorded = FailureLimiter.IsFirstBlocked(limiter.RecordFailure(peer));
                await RefuseAsync(context, recorded, "", StatusCodes.Status429TooManyRequests, ResourceExhausted, "Too many calls with a wrong token came from this address. Wait a minute.");
                return;
            }
            limiter.RecordFailure(peer);
            await RefuseAsync(context, recorded: true, "", StatusCodes.Status401Unauthorized, Unauthenticated,
                "This call needs a valid token. The first one is in the daemon's DATA/admin.token; name its file with --token-file or LEMA_TOKEN_FILE.");
            return;
        }
        if (RequiredRole(context) is not { } required || principal.Role < required)
        {
            await RefuseAsync(context, recorded: true, principal.Name, StatusCodes.Status403Forbidden, PermissionDenied,
                $"Token '{principal.Name}' has the role {principal.Role.ToString().ToLowerInvariant()}, which may not make this call.");
            return;
        }
        principal.Attach(context);
        await next(context);
    }

    /// <summary>Pages of the HTTP port may be read with any token.</summary>
    private static Role? RequiredRole(HttpContext context) => IsGrpc(context) ? MethodRoles.Required(context.Request.Path) : Role.Viewer;

    private static string? TokenOf(HttpContext context) =>
        context.Request.Headers.Authorization is [{ } header] && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;

    private static bool IsGrpc(HttpContext context) => context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    private async Task RefuseAsync(HttpContext context, bool recorded, string principal, int httpStatus, int grpcStatus, string message)
    {
        if (recorded) audit.Write(principal, $"{context.Connection.RemoteIpAddress}", context.Request.Path, "", ((Grpc.Core.StatusCode)grpcStatus).ToString());
        if (IsGrpc(context))
        {
            context.Response.StatusCode = StatusCodes.Status200OK;
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = grpcStatus.ToString(System.Globalization.CultureInfo.InvariantCulture);
            context.Response.Headers["grpc-message"] = Uri.EscapeDataString(message);
            return;
        }
        context.Response.StatusCode = httpStatus;
        if (httpStatus == StatusCodes.Status401Unauthorized) context.Response.Headers.WWWAuthenticate = "Bearer";
        await context.Response.WriteAsync(message);
    }
}
