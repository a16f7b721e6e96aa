using System.Net.Sockets;

namespace Lema.Server.Monitoring;

/// <summary>Tells systemd that the daemon is ready, that it is stopping, and in between that it is well (sd_notify(3), WatchdogSec). Lives as long as the daemon.</summary>
/// <param name="systemd">Null: nobody asks.</param>
/// <param name="watchdog">Longest silence that systemd allows; null: it does not watch.</param>
internal sealed partial class SystemdNotifications(SystemdSocket? systemd, TimeSpan? watchdog, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<SystemdNotifications> logger) : BackgroundService
{
    public static SystemdNotifications FromEnvironment(IServiceProvider services) => new(
        SystemdSocket.FromEnvironment(),
        long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), out long microseconds) ? TimeSpan.FromMicroseconds(microseconds) : null,
        services.GetRequiredService<IHostApplicationLifetime>(), services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<SystemdNotifications>>());

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        if (systemd is null) return;
        lifetime.ApplicationStarted.Register(() => Send("READY=1"));
        lifetime.ApplicationStopping.Register(() => Send("STOPPING=1"));
        if (watchdog is not { } limit) return;
        using PeriodicTimer timer = new(limit / 2, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping)) Send("WATCHDOG=1");
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Send(string state)
    {
        try
        {
            systemd!.Send(state);
        }
        catch (SocketException error)
        {
            // No reason for the daemon to go down.
            LogNotTold(state, error.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "systemd could not be told {State}: {Reason}")]
    private partial void LogNotTold(string state, string reason);
}
