using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Lema.Engine.Errors;

namespace Lema.Bench.Watchers;

/// <param name="P99Milliseconds">From the daemon's send to the receipt, of messages sent while all watchers were connected.</param>
/// <param name="Gaps">Sequence numbers that a watcher never got.</param>
/// <param name="Duplicates">Sequence numbers that a watcher got twice.</param>
internal sealed record WatcherFigures(long Messages, double MedianMilliseconds, double P99Milliseconds, double SlowestMilliseconds, long Gaps, long Duplicates, double CpuSeconds);

/// <summary>The watchers' process, at the lowest priority. Told what to do by lines on its standard input, each answered by one.</summary>
internal sealed class WatcherProcess : IAsyncDisposable
{
    public const string Command = "watcher-clients";

    private readonly Process _process;

    private WatcherProcess(Process process) => _process = process;

    public static WatcherProcess Start(Uri address, string run, int count, IEnumerable<string> tokens)
    {
        ProcessStartInfo start = new("nice") { RedirectStandardInput = true, RedirectStandardOutput = true };
        // Compiled once: at this priority the compiler's second thoughts would hold up the messages for as long as the run is watched.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        foreach (string argument in (string[])["-n", "19", "dotnet", typeof(WatcherProcess).Assembly.Location, Command, address.ToString(), run, count.ToString(CultureInfo.InvariantCulture)])
            start.ArgumentList.Add(argument);
        Process process = Process.Start(start)!;
        process.StandardInput.WriteLine(string.Join(' ', tokens));
        process.StandardInput.Flush();
        return new WatcherProcess(process);
    }

    public Task ConnectAsync() => TellAsync(WatcherClients.Connect);

    public Task DisconnectAsync() => TellAsync(WatcherClients.Disconnect);

    /// <summary>Lets every watcher come back once more, for what it has not seen yet, until its stream ends with the run.</summary>
    public async Task<WatcherFigures> FinishAsync() => JsonSerializer.Deserialize<WatcherFigures>(await TellAsync(WatcherClients.Finish))!;

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<string> TellAsync(string what)
    {
        await _process.StandardInput.WriteLineAsync(what);
        await _process.StandardInput.FlushAsync();
        return await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidInputException("bench/run", "watchers", "the watchers' process ended");
    }
}
