using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Lema.Engine.Errors;
using Lema.Server.Hosting;
using Lema.Server.Security;
using Lema.Server.Storage;
using Microsoft.AspNetCore.Connections;
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
        await StartAsync(app, options, stop);
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

    private static async Task StartAsync(WebApplication app, DaemonOptions options, CancellationToken stop)
    {
        try
        {
            await app.StartAsync(stop);
        }
        catch (IOException refused) when (refused.InnerException is AddressInUseException)
        {
            throw new InvalidInputException("--urls", string.Join(',', options.Urls.Concat(options.HttpUrls)), "another program listens there. Stop it, or name another port.", refused);
        }
        catch (SocketException refused)
        {
            throw new InvalidInputException("--urls", string.Join(',', options.Urls.Concat(options.HttpUrls)), $"cannot be listened on: {refused.Message}.", refused);
        }
    }
}
