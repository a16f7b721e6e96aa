using System.Diagnostics;
using Lema.Server.Storage;

namespace Lema.Server.Workers;

/// <summary>Starts workers as processes of this same program, with an environment of their own. Lives as long as the daemon.</summary>
internal sealed partial class ProcessWorkerFactory(DataFolder data, WorkerGroups groups, ILogger<ProcessWorkerFactory> logger) : IEngineWorkerFactory
{
    /// <summary>Paths of sockets are limited to 107 bytes by the system.</summary>
    private const int LongestSocketPath = 100;

    private static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(60);

    public async Task<IEngineWorker> StartAsync(string job, long? memoryLimitBytes, CancellationToken stop)
    {
        string name = Guid.NewGuid().ToString("N")[..12];
        string socket = SocketPath(name);
        WorkerGroup? group = memoryLimitBytes is { } bytes ? groups.TryAdd(name, job, bytes) : null;
        Process process = Start(StartInfo(socket, group), group);
        string record = WorkerRecords.Write(data.Workers, name, process);
        LogStarted(process.Id, job);
        TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) => { if (line.Data is { Length: > 0 } text) LogLine(process.Id, text); };
        // What native libraries print goes to the log, and never fills the pipe.
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data == WorkerProgram.ReadyLine) ready.TrySetResult();
            else if (line.Data is { Length: > 0 } text) LogLine(process.Id, text);
        };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        ProcessWorker worker = new(process, socket, group, () => File.Delete(record));
        try
        {
            using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(stop);
            late.CancelAfter(StartsWithin);
            await Task.WhenAny(ready.Task, process.WaitForExitAsync(late.Token)).ConfigureAwait(false);
            late.Token.ThrowIfCancellationRequested();
            if (!ready.Task.IsCompleted) throw worker.WhyEnded(process.ExitCode);
            return worker;
        }
        catch
        {
            await worker.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static Process Start(ProcessStartInfo start, WorkerGroup? group)
    {
        try
        {
            return Process.Start(start) ?? throw new InvalidOperationException("The worker process did not start.");
        }
        catch
        {
            group?.Remove();
            throw;
        }
    }

    private string SocketPath(string name)
    {
        string path = Path.Combine(data.Workers, name + ".sock");
        if (path.Length <= LongestSocketPath) return path;
        return Path.Combine(Directory.CreateTempSubdirectory("lema-").FullName, name + ".sock");
    }

    private ProcessStartInfo StartInfo(string socket, WorkerGroup? group)
    {
        string assembly = typeof(ProcessWorkerFactory).Assembly.Location;
        string program = Path.ChangeExtension(assembly, null);
        ProcessStartInfo start = File.Exists(program) ? new ProcessStartInfo(program) : new ProcessStartInfo("dotnet") { ArgumentList = { "exec", assembly } };
        start.ArgumentList.Add("worker");
        start.ArgumentList.Add("--socket");
        start.ArgumentList.Add(socket);
        if (group is not null)
        {
            start.ArgumentList.Add("--control-group");
            start.ArgumentList.Add(group.Folder);
        }
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.WorkingDirectory = AppContext.BaseDirectory;
        WorkerEnvironment.Apply(start.Environment, Environment.GetEnvironmentVariables(), data.Cache);
        return start;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Worker {ProcessId} started for {Job}")]
    private partial void LogStarted(int processId, string job);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Worker {ProcessId}: {Line}")]
    private partial void LogLine(int processId, string line);
}
