using Lema.Web.Clients;
using Lema.Web.Components;
using Lema.Web.Conversations;
using Lema.Web.Downloads;
using Lema.Web.SignIn;
using Microsoft.AspNetCore.HostFiltering;
using MudBlazor.Services;

namespace Lema.Web.Hosting;

/// <summary>Wires the dashboard together.</summary>
public static class DashboardServer
{
    /// <summary>Bytes. A run file or a long question is one message; the default of 32 KiB would end the circuit over it.</summary>
    private const long LargestBrowserMessage = 512 << 10;

    /// <exception cref="SettingsException">An address or the file of hosts cannot be used.</exception>
    public static WebApplication Build(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ApplicationName = typeof(DashboardServer).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory, // so that the program can be started from any folder
        });
        // Outside Development the manifest of packages' files is not read by itself; published output has no manifest and needs none.
        builder.WebHost.UseStaticWebAssets();
        IReadOnlyList<Uri> addresses = ListenAddresses.Parse(builder.Configuration["urls"] ?? ListenAddresses.Default);
        builder.WebHost.UseUrls([.. addresses.Select(address => address.OriginalString)]);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        AddServices(builder, addresses);
        WebApplication app = builder.Build();
        UsePipeline(app);
        return app;
    }

    private static void AddServices(WebApplicationBuilder builder, IReadOnlyList<Uri> addresses)
    {
        IServiceCollection services = builder.Services;
        services.AddSingleton(HostDirectory.Load(builder.Configuration["hosts"], Environment.GetEnvironmentVariable("LEMA_HOST")));
        if (builder.Configuration["AllowedHosts"] is null)
        {
            services.Configure<HostFilteringOptions>(options => options.AllowedHosts = [.. ListenAddresses.AllowedHosts(addresses)]);
        }
        services.AddRazorComponents().AddInteractiveServerComponents()
            .AddHubOptions(hub => hub.MaximumReceiveMessageSize = LargestBrowserMessage);
        services.AddMudServices(options => options.SnackbarConfiguration.PreventDuplicates = true);
        services.AddSingleton(TimeProvider.System);
        services.AddScoped<ChatHistory>();
        services.AddDashboardSignIn();
        services.AddDaemonClients();
    }

    private static void UsePipeline(WebApplication app)
    {
        app.UseSecurityHeaders();
        app.UseMiddleware<OriginCheck>();
        app.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true);
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseRateLimiter();
        app.UseAntiforgery();
        app.MapStaticAssets().AllowAnonymous();
        app.MapDashboardSignIn();
        app.MapDownloads();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(options => options.ContentSecurityFrameAncestorsPolicy = null);
    }
}
