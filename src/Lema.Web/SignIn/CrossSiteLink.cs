using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace Lema.Web.SignIn;

/// <summary>
/// A link to a run that someone follows from a mail or a chat comes without the SameSite=Strict cookie. Such a visit is sent to the same address
/// once more, now from this site, so that a user who is signed in lands where the link leads and not on the sign-in page.
/// </summary>
internal static class CrossSiteLink
{
    private const string OnceMore = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Lema</title><meta http-equiv="refresh" content="0"></head><body></body></html>""";

    public static Task RedirectToSignInAsync(RedirectContext<CookieAuthenticationOptions> context)
    {
        HttpRequest request = context.Request;
        bool cameByLink = HttpMethods.IsGet(request.Method) && request.Headers["Sec-Fetch-Site"] == "cross-site" && request.Headers["Sec-Fetch-Mode"] == "navigate";
        if (!cameByLink)
        {
            context.Response.Redirect(context.RedirectUri);
            return Task.CompletedTask;
        }
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(OnceMore);
    }
}
