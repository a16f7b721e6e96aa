using System.Text.Json;
using Lema.Web.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Lema.Web.Tests.Fakes;

/// <summary>The dashboard itself on a free port of this machine, showing the given daemons. It can end and come back at its address.</summary>
internal sealed class Dashboard : IAsyncDisposable
{
    private readonly string _hostsFile = Path.GetTempFileName();
    private WebApplication? _app;

    private Dashboard()
    {
    }

    public string Address { get; private set; } = "http://127.0.0.1:0";

    public IServiceProvider Services => _app!.Services;

    public static async Task<Dashboard> StartAsync(params (string Name, string Address)[] hosts)
    {
        Dashboard dashboard = new();
        await File.WriteAllTextAsync(dashboard._hostsFile, JsonSerializer.Serialize(new { hosts = hosts.Select(host => new { name = host.Name, address = host.Address }) }));
        await dashboard.ComeBackAsync();
        return dashboard;
    }

    /// <summary>Ends the program; its pages lose their circuits.</summary>
    public async Task StopAsync()
    {
        if (_app is null) return;
        await _app.StopAsync();
        await _app.DisposeAsync();
        _app = null;
    }

    public async Task ComeBackAsync()
    {
        _app = DashboardServer.Build(["--urls", Address, "--hosts", _hostsFile, "--Logging:LogLevel:Default", "Warning"]);
        await _app.StartAsync();
        Address = _app.Urls.First();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        File.Delete(_hostsFile);
    }
}
