using System.Net.Sockets;
using System.Text;
using Lema.Server.Monitoring;
using Lema.Server.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Lema.Server.Tests;

public sealed class SystemdTests
{
    [Fact(DisplayName = "service: what systemd is told")]
    public async Task Notifications_OverTheLifeOfADaemon_SayReadyWellAndStopping()
    {
        string folder = Directory.CreateTempSubdirectory("lema-notify-").FullName, path = Path.Combine(folder, "s");
        using Socket systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        systemd.Bind(new UnixDomainSocketEndPoint(path));
        List<string> heard = [];
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(30));
        async Task HearAsync(string state)
        {
            byte[] buffer = new byte[256];
            while (!heard.Contains(state)) heard.Add(Encoding.UTF8.GetString(buffer, 0, await systemd.ReceiveAsync(buffer, SocketFlags.None, late.Token)));
        }
        await using (TestDaemon daemon = await TestDaemon.StartAsync(configure: services => services.AddSingleton<IHostedService>(provider =>
            new SystemdNotifications(path, TimeSpan.FromMilliseconds(100), provider.GetRequiredService<IHostApplicationLifetime>(), TimeProvider.System))))
        {
            await HearAsync("READY=1");
            await HearAsync("WATCHDOG=1");
        }
        await HearAsync("STOPPING=1");
        Directory.Delete(folder, recursive: true);
    }
}
