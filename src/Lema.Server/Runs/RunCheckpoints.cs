using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Checkpoints;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Storage;
using Microsoft.Data.Sqlite;
using Checkpoint = Lema.Protocol.V1.Checkpoint;

namespace Lema.Server.Runs;

/// <summary>
/// Brings a run's record of its checkpoints in line with the disk, after a worker or a daemon that was cut off between the two: a checkpoint is committed before it is told.
/// Lives as long as the daemon; not to be called while a worker is on the run.
/// </summary>
internal sealed partial class RunCheckpoints(RunJournal journal, DataFolder data, ILogger<RunCheckpoints> logger)
{
    private const string Folder = "checkpoints";

    /// <summary>A disk that refuses now is looked at again before the next attempt.</summary>
    public async Task TryReconcileAsync(RunSession session)
    {
        try
        {
            await ReconcileAsync(session).ConfigureAwait(false);
        }
        catch (Exception error) when (error is LemaException or SqliteException or IOException)
        {
            LogNotReconciled(session.Summary.Name, error.Message);
        }
    }

    private async Task ReconcileAsync(RunSession session)
    {
        RunDetail run = session.Detail;
        string runFolder = data.RunFolder(session.Id), folder = Path.Combine(runFolder, Folder);
        if (run.Checkpoints.Count == 0 && !Directory.Exists(folder)) return;
        // Opening it removes what was left half-done.
        IReadOnlyList<Engine.Checkpoints.Checkpoint> there = new CheckpointStore(folder, Math.Max(1, run.Settings.Checkpoint?.KeepLast ?? 1)).List();
        long[] gone = [.. run.Checkpoints.Select(c => c.Step).Except(there.Select(c => c.Step)).Order()];
        List<RunEvent> events = [.. there.Where(c => run.Checkpoints.All(known => known.Step != c.Step)).Select(c => new RunEvent { Checkpoint = Describe(runFolder, c) })];
        if (gone.Length > 0) events.Add(new RunEvent { CheckpointsRemoved = new CheckpointsRemoved { Steps = { gone } } });
        if (events.Count > 0) await journal.AppendAsync(session, events).ConfigureAwait(false);
    }

    private static Checkpoint Describe(string runFolder, Engine.Checkpoints.Checkpoint found)
    {
        Checkpoint checkpoint = new()
        {
            Step = found.Step, Path = Path.GetRelativePath(runFolder, found.Folder).Replace(Path.DirectorySeparatorChar, '/'),
            Time = Timestamp.FromDateTime(Directory.GetLastWriteTimeUtc(found.Folder)), Bytes = Folders.Files(found.Folder).Sum(file => file.File.Length),
        };
        if (found.Metric is { } metric) checkpoint.EvaluationLoss = metric.Value;
        return checkpoint;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What run {Name} says of its checkpoints could not be compared with the disk: {Reason}")]
    private partial void LogNotReconciled(string name, string reason);
}
