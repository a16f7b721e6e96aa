namespace Lema.Server.Hosting;

/// <summary>Structured logs on the console; systemd's journal and containers take them from there.</summary>
internal static class DaemonLogging
{
    public static void AddLemaLogging(this ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(LogLevel.Information);
        logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        logging.AddFilter("Microsoft.Hosting", LogLevel.Warning);
        logging.AddFilter("Grpc", LogLevel.Warning);
        if (Console.IsOutputRedirected) logging.AddJsonConsole(console =>
        {
            // Without a format there is no time at all.
            console.TimestampFormat = "O";
            console.UseUtcTimestamp = true;
        });
        else logging.AddSimpleConsole(console => console.SingleLine = true);
    }
}
