using System.Diagnostics;
using System.Globalization;
using Grpc.Net.Client;

namespace Lema.Server.Tests.Faults;

/// <summary>A daemon and its workers, processes of their own, that are killed and started again on one data folder.</summary>
internal sealed class KilledDaemon : IAsyncDisposable
{
    private DaemonProcess _process = null!;

    public string Data { get; } = Directory.CreateTempSubdirectory("lema-kills-").FullName;

    /// <summary>To the daemon that is up now.</summary>
    public GrpcChannel Channel { get; private set; } = null!;

    /// <summary>Kills so far, by what was killed.</summary>
    public Dictionary<string, int> Kills { get; } = new() { ["worker"] = 0, ["daemon"] = 0 };

    public int Killed => Kills.Values.Sum();

    public async Task StartAsync()
    {
        _process = await DaemonProcess.StartAsync(Data);
        Channel = _process.Open(Data);
    }

    /// <summary>Kills the daemon and starts the next one.</summary>
    public async Task KillAsync()
    {
        _process.KillNine();
        await _process.WaitForExitAsync();
        Kills["daemon"]++;
        Channel.Dispose();
        _process.Dispose();
        await StartAsync();
    }

    /// <summary>Kills a worker, if there is one just now.</summary>
    public void KillWorker()
    {
        foreach (string note in Directory.GetFiles(Path.Combine(Data, "workers"), "*.pid"))
        {
            try
            {
                using Process process = Process.GetProcessById(int.Parse(File.ReadAllText(note).Split(' ')[0], CultureInfo.InvariantCulture));
                process.Kill();
                Kills["worker"]++;
                return;
            }
            catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or FormatException or IOException)
            {
                // It has just ended by itself.
            }
        }
    }

    /// <summary>Ends when something of which the name holds the mark has been made or renamed below a part of the data folder so many times, or when it is late.</summary>
    public async Task UntilMadeAsync(string part, string mark, int times, TimeSpan late)
    {
        using FileSystemWatcher watcher = new(Path.Combine(Data, part)) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.DirectoryName | NotifyFilters.FileName };
        TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        void See(object sender, FileSystemEventArgs change)
        {
            if (change.Name!.Contains(mark, StringComparison.Ordinal) && --times <= 0) seen.TrySetResult();
        }
        watcher.Created += See;
        watcher.Renamed += See;
        watcher.EnableRaisingEvents = true;
        await Task.WhenAny(seen.Task, Task.Delay(late));
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        _process.KillNine();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(Data, recursive: true);
    }
}
