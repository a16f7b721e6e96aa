namespace Lema.Web.Hosting;

/// <summary>Starts the dashboard; a wrong setting ends with one line on stderr and exit code 2.</summary>
public static class DashboardProgram
{
    public const string Usage = """
        lema-web: the dashboard of one or more Lema daemons.

          --urls ADDRESS   where to listen (default http://127.0.0.1:5080)
          --hosts FILE     the daemons to show, JSON: { "hosts": [ { "name": "gpu01", "address": "https://gpu01:5090" } ] }
                           (default: one daemon, "local", at http://127.0.0.1:5090 or the address in LEMA_HOST)

        A browser user signs in with a daemon token; the dashboard calls with that user's token and keeps none of its own.
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        if (args.Any(argument => argument is "--help" or "-h"))
        {
            Console.WriteLine(Usage);
            return 0;
        }
        try
        {
            await using WebApplication app = DashboardServer.Build(args);
            await app.RunAsync();
            return 0;
        }
        catch (SettingsException wrong)
        {
            await Console.Error.WriteLineAsync("lema-web: " + wrong.Message);
            return 2;
        }
    }
}
