using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace Lema.Web.SignIn;

/// <summary>Signing out; signing in is a page of its own.</summary>
public static class SignInEndpoints
{
    public static void MapDashboardSignIn(this WebApplication app) => app.MapPost("/sign-out", SignOutAsync);

    /// <summary>A path of this dashboard, so that a link cannot lead a fresh sign-in elsewhere.</summary>
    internal static string LocalPath(string? url) =>
        url is ['/', ..] && !url.StartsWith("//", StringComparison.Ordinal) && !url.StartsWith("/\\", StringComparison.Ordinal) ? url : "/";

    private static async Task<IResult> SignOutAsync(HttpContext context, IAntiforgery antiforgery)
    {
        if (!await antiforgery.IsRequestValidAsync(context)) return Results.BadRequest("Open the dashboard again and sign out there.");
        await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        // Drafts and conversations that this browser keeps.
        context.Response.Headers["Clear-Site-Data"] = "\"storage\"";
        return Results.LocalRedirect("/sign-in");
    }
}
