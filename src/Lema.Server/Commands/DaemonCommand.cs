using System.Security.Cryptography.X509Certificates;
using Lema.Server.Hosting;
using Lema.Server.Security;
using Lema.Server.Storage;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Lema.Server.Commands;

/// <summary>Runs the daemon until it is told to stop.</summary>
internal static class DaemonCommand
{
    public static async Task<int> RunAsync(DaemonOptions options, CancellationToken stop)
    {
        await using WebApplication app = await DaemonHost.BuildAsync(options);
        using SecondSignal forced = new();
        await app.StartAsync(stop);
        DataFolder data = app.Services.GetRequiredService<DataFolder>();
        // The line that people, and programs that start a daemon, wait for.
        foreach (string address in app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses) Console.WriteLine($"Listening on {address}");
        Console.WriteLine($"Token file: {data.AdminToken}");
        if (options.Tls is not null)
        {
            using X509Certificate2 certificate = ServerTls.Load(options.Tls, data);
            Console.WriteLine($"Certificate fingerprint (SHA-256): {Lema.Protocol.Client.ServerCertificateCheck.FingerprintOf(certificate)}");
        }
        await app.WaitForShutdownAsync(stop);
        return 0;
    }
}
