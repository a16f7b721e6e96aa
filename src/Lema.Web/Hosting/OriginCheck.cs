using Microsoft.Extensions.Primitives;

namespace Lema.Web.Hosting;

/// <summary>
/// Refuses requests that a page of another origin makes: a Blazor hub accepts any Origin unless told. Navigations carry no Origin header and pass.
/// </summary>
public sealed class OriginCheck(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (IsAllowed(context.Request)) return next(context);
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return context.Response.WriteAsync("This origin may not call the dashboard.");
    }

    internal static bool IsAllowed(HttpRequest request)
    {
        StringValues origin = request.Headers.Origin;
        return origin.Count == 0 || (origin.Count == 1 && string.Equals(origin[0], $"{request.Scheme}://{request.Host.Value}", StringComparison.OrdinalIgnoreCase));
    }
}
