using Lema.Engine.Errors;
using Lema.Server.Monitoring;
using Lema.Server.Security;
using Lema.Server.Storage;
using Lema.Server.Workers;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lema.Server.Hosting;

/// <summary>Builds the daemon. The application owns everything it is built of; starting and stopping it is the caller's.</summary>
public static class DaemonHost
{
    /// <param name="configure">Replaces services, for tests.</param>
    /// <exception cref="LemaException">The options cannot be used, the data folder is taken, or its database is damaged.</exception>
    public static async Task<WebApplication> BuildAsync(DaemonOptions options, Action<IServiceCollection>? configure = null)
    {
        if (options.Problems().ToArray() is { Length: > 0 } problems) throw new InvalidInputsException(problems);
        DataFolder data = DataFolder.Open(options.DataFolder);
        try
        {
            WorkerRecords.EndOrphans(data.Workers);
            DiskReserve reserve = new(data.Reserve);
            reserve.Refill();
            RunDatabase database = RunDatabase.Open(data.Database, reserve, StartExtension.FromEnvironment().GoesOn);
            StartupCleanup.Run(data, database);
            await new TokenStore(database, TimeProvider.System).EnsureFirstTokenAsync(data.AdminToken).ConfigureAwait(false);

            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            // The command line alone says how the daemon is run: a settings file in the folder it is started in, or a variable, could have it listen anywhere without TLS.
            builder.Configuration.Sources.Clear();
            builder.Configuration.AddInMemoryCollection(DaemonTelemetry.Settings());
            builder.Logging.AddLemaLogging();
            builder.Services.Configure<HostOptions>(host =>
            {
                host.ShutdownTimeout = options.DrainLimit + TimeSpan.FromSeconds(15);
                // Workers save while the server waits for clients to leave, not afterwards.
                host.ServicesStopConcurrently = true;
            });
            builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options, data));
            builder.Services.AddLema(options, data, database, reserve);
            configure?.Invoke(builder.Services);
            WebApplication app = builder.Build();
            app.MapLema();
            // Now, and not with the first call: it tells when the daemon started, and writes to the database once.
            app.Services.GetRequiredService<DaemonIdentity>();
            return app;
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    private static void Listen(KestrelServerOptions kestrel, DaemonOptions options, DataFolder data)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(20);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        kestrel.Limits.Http2.MaxStreamsPerConnection = 256;
        // A message a second to a slow watcher is no reason to cut it off; Watching has a limit of its own.
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MaxRequestBodySize = null;
        foreach (Uri url in options.Urls) ListenAt(kestrel, url, HttpProtocols.Http2, options, data);
        foreach (Uri url in options.HttpUrls) ListenAt(kestrel, url, HttpProtocols.Http1, options, data);
    }

    private static void ListenAt(KestrelServerOptions kestrel, Uri url, HttpProtocols protocols, DaemonOptions options, DataFolder data)
    {
        void Configure(ListenOptions listen)
        {
            listen.Protocols = protocols;
            if (url.Scheme == "https") ServerTls.Use(listen, options.Tls!, data);
        }
        if (url.Host == "localhost" && url.Port != 0) kestrel.ListenLocalhost(url.Port, Configure);
        else if (System.Net.IPAddress.TryParse(url.Host == "localhost" ? "127.0.0.1" : url.Host.Trim('[', ']'), out System.Net.IPAddress? address)) kestrel.Listen(address, url.Port, Configure);
        else kestrel.ListenAnyIP(url.Port, Configure);
    }
}
