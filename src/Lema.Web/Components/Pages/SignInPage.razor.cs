using System.Security.Claims;
using Lema.Web.Clients;
using Lema.Web.SignIn;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Components;

namespace Lema.Web.Components.Pages;

/// <summary>Signs the browser in to one more daemon. A plain page without a circuit: only a plain answer can set a cookie.</summary>
public sealed partial class SignInPage
{
    private string? _problem;

    [Inject]
    private HostDirectory Directory { get; set; } = default!;

    [Inject]
    private TokenCheck Check { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [CascadingParameter]
    private HttpContext Context { get; set; } = default!;

    [SupplyParameterFromQuery]
    private string? Host { get; set; }

    [SupplyParameterFromQuery]
    private string? ReturnUrl { get; set; }

    [SupplyParameterFromForm]
    private SignInForm? Form { get; set; }

    private string? Chosen => Form?.Host ?? Host ?? Directory.All.FirstOrDefault(host => Context.User.TokenFor(host.Name) is null)?.Name;

    private async Task SignInAsync()
    {
        if (Directory.Find(Form?.Host ?? "") is not { } endpoint)
        {
            _problem = "There is no such host.";
            return;
        }
        string token = (Form!.Token ?? "").Trim();
        _problem = await Check.ProblemAsync(endpoint, token, Context.RequestAborted);
        if (_problem is not null) return;
        const string Scheme = CookieAuthenticationDefaults.AuthenticationScheme;
        ClaimsPrincipal user = Tokens.With(Context.User, endpoint.Name, token, Scheme);
        await Context.SignInAsync(Scheme, user, new AuthenticationProperties { IsPersistent = true });
        Navigation.NavigateTo(SignInEndpoints.LocalPath(Form.ReturnUrl));
    }

    private sealed record SignInForm
    {
        public string? Host { get; init; }

        public string? Token { get; init; }

        public string? ReturnUrl { get; init; }
    }
}
