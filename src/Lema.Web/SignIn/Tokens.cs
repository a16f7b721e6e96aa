using System.Security.Claims;

namespace Lema.Web.SignIn;

/// <summary>A browser user's daemon tokens, one a host. They live in the encrypted sign-in cookie and nowhere else.</summary>
public static class Tokens
{
    private const string ClaimPrefix = "lema-token:";

    public static string? TokenFor(this ClaimsPrincipal user, string hostName) => user.FindFirst(ClaimPrefix + hostName)?.Value;

    public static IEnumerable<string> SignedInHosts(this ClaimsPrincipal user) =>
        user.Claims.Where(claim => claim.Type.StartsWith(ClaimPrefix, StringComparison.Ordinal)).Select(claim => claim.Type[ClaimPrefix.Length..]);

    /// <summary>The user after signing in to one more host; tokens of other hosts stay.</summary>
    public static ClaimsPrincipal With(ClaimsPrincipal user, string hostName, string token, string scheme)
    {
        IEnumerable<Claim> others = user.Claims.Where(claim => claim.Type.StartsWith(ClaimPrefix, StringComparison.Ordinal) && claim.Type != ClaimPrefix + hostName);
        return new ClaimsPrincipal(new ClaimsIdentity([.. others, new Claim(ClaimPrefix + hostName, token)], scheme));
    }
}
