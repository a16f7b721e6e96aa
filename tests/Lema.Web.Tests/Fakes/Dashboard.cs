using System.Text.Json;
using Lema.Web.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Lema.Web.Tests.Fakes;

/// <summary>The dashboard itself on a free port of this machine, showing the given daemons.</summary>
internal sealed class Dashboard : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _hostsFile;

    private Dashboard(WebApplication app, string hostsFile)
    {
        _app = app;
        _hostsFile = hostsFile;
    }

    public string Address => _app.Urls.First();

    public IServiceProvider Services => _app.Services;

    public static Task<Dashboard> StartAsync(params (string Name, string Address)[] hosts) => StartAsync(0, hosts);

    /// <param name="port">0: a free one.</param>
    public static async Task<Dashboard> StartAsync(int port, params (string Name, string Address)[] hosts)
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new { hosts = hosts.Select(host => new { name = host.Name, address = host.Address }) }));
        WebApplication app = DashboardServer.Build(["--urls", $"http://127.0.0.1:{port}", "--hosts", file, "--Logging:LogLevel:Default", "Warning"]);
        await app.StartAsync();
        return new(app, file);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        File.Delete(_hostsFile);
    }
}
