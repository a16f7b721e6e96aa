using System.Globalization;
using Lema.Engine.Errors;
using Lema.Engine.Storage;

namespace Lema.Engine.Checkpoints;

/// <summary>
/// The checkpoints of one run, folders <c>checkpoint-STEP</c>. A checkpoint appears whole or not at all, whatever happens while it is saved; older ones are
/// deleted only after the new one was read back, and so are later ones, which a run that went on from an earlier one has left behind. Knows nothing of what the files mean. One process at a time owns the folder.
/// </summary>
public sealed class CheckpointStore
{
    private const string Prefix = "checkpoint-";
    private const string PartialMark = ".partial-", ReplacedMark = ".replaced-", DeletedMark = ".deleted-";

    private readonly string _folder;
    private readonly int _keepLast;
    private readonly IFileLayer _files;

    /// <summary>Opens the folder, making it if need be, and tidies up what a crash left there.</summary>
    /// <param name="keepLast">Checkpoints to keep, at least 1; the best one by its metric is kept besides.</param>
    /// <exception cref="StorageException">The operating system refused.</exception>
    public CheckpointStore(string folder, int keepLast, IFileLayer? files = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keepLast, 1);
        _folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        _keepLast = keepLast;
        _files = files ?? FileLayer.Instance;
        Guard(() =>
        {
            _files.CreateFolder(_folder);
            Recover();
        });
    }

    /// <summary>All checkpoints, oldest first, by their manifests; the files are not read.</summary>
    public IReadOnlyList<Checkpoint> List() => [.. Folders().Select(item => new Checkpoint(item.Step, item.Folder, CheckpointVerifier.ReadManifest(item.Folder)?.Metric))];

    /// <summary>
    /// Saves a checkpoint. <paramref name="write"/> puts the files into the folder it is given; they may lie in subfolders. When anything throws, no checkpoint of
    /// this step appears and those before stay as they were.
    /// </summary>
    /// <exception cref="StorageException">The disk is full (<see cref="StorageException.IsDiskFull"/>), a write was refused, or what was written reads back differently.</exception>
    public Checkpoint Save(long step, Action<string> write, CheckpointMetric? metric = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        string name = Prefix + step.ToString(CultureInfo.InvariantCulture);
        string partial = Path.Combine(_folder, PartialMark + name), target = Path.Combine(_folder, name);
        try
        {
            if (Directory.Exists(partial)) _files.DeleteFolder(partial);
            _files.CreateFolder(partial);
            write(partial);
            WriteManifest(partial, step, metric);
            AtomicFolder.SyncTree(partial, _files);
            Publish(partial, target, Path.Combine(_folder, ReplacedMark + name));
        }
        catch (Exception fault)
        {
            TryDelete(partial);
            if (fault is IOException or UnauthorizedAccessException) throw StorageFault.From(target, fault);
            throw;
        }

        if (CheckpointVerifier.Verify(target).Fault is { } damage) throw new StorageException(Path.Combine(target, damage.File), 0, $"was written but {damage.Problem}; check the disk");
        Guard(() => Prune(step));
        return new Checkpoint(step, target, metric);
    }

    /// <summary>The newest checkpoint whose every file agrees with its manifest. Damaged ones are passed over, named in the result, and left where they are.</summary>
    public CheckpointSearch FindLatest()
    {
        List<CheckpointFault> passedOver = [];
        foreach ((long step, string folder) in Folders().Reverse())
        {
            (CheckpointManifest? manifest, CheckpointFault? fault) = CheckpointVerifier.Verify(folder);
            if (fault is null) return new CheckpointSearch(new Checkpoint(step, folder, manifest!.Metric), passedOver);
            passedOver.Add(fault);
        }
        return new CheckpointSearch(null, passedOver);
    }

    /// <summary>The checkpoint of a step, verified.</summary>
    /// <exception cref="NotFoundException">There is none.</exception>
    /// <exception cref="InvalidInputException">It is damaged.</exception>
    public Checkpoint Find(long step)
    {
        (long Step, string Folder)[] all = [.. Folders()];
        string? folder = all.FirstOrDefault(item => item.Step == step).Folder;
        if (folder is null)
            throw new NotFoundException("checkpoint", step.ToString(CultureInfo.InvariantCulture), all.Length == 0 ? "The run has none yet." : $"There are {string.Join(", ", all.Select(item => item.Step))}.");
        (CheckpointManifest? manifest, CheckpointFault? fault) = CheckpointVerifier.Verify(folder);
        if (fault is not null) throw new InvalidInputException(fault.Folder, fault.File, $"{fault.Problem}; use another checkpoint");
        return new Checkpoint(step, folder, manifest!.Metric);
    }

    /// <summary>The checkpoint with the best value of the metric that the newest one has; null where none has any.</summary>
    public Checkpoint? Best() => BestOf(List());

    private static Checkpoint? BestOf(IReadOnlyList<Checkpoint> all)
    {
        Checkpoint? best = null;
        if (all.LastOrDefault(checkpoint => checkpoint.Metric is not null)?.Metric is not { } measure) return best;
        foreach (Checkpoint candidate in all)
        {
            if (candidate.Metric is not { } metric || metric.Name != measure.Name || double.IsNaN(metric.Value)) continue;
            if (best is null || metric.IsBetterThan(best.Metric!)) best = candidate;
        }
        return best;
    }

    private void WriteManifest(string partial, long step, CheckpointMetric? metric)
    {
        IEnumerable<string> paths = Directory.EnumerateFiles(partial, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        CheckpointManifest manifest = new(CheckpointManifest.CurrentFormat, step, metric, [.. paths.Select(path => CheckpointVerifier.Describe(partial, path))]);
        _files.WriteFile(Path.Combine(partial, CheckpointManifest.FileName), manifest.Encode());
    }

    /// <summary>Renames into place. A checkpoint of the same step steps aside first; <see cref="Recover"/> puts it back if the second rename never came.</summary>
    private void Publish(string partial, string target, string replaced)
    {
        if (Directory.Exists(target))
        {
            if (Directory.Exists(replaced)) _files.DeleteFolder(replaced);
            _files.RenameFolder(target, replaced);
            try
            {
                _files.RenameFolder(partial, target);
            }
            catch (IOException)
            {
                _files.RenameFolder(replaced, target);
                throw;
            }
        }
        else
        {
            _files.RenameFolder(partial, target);
        }
        _files.SyncFolder(_folder);
        if (Directory.Exists(replaced)) _files.DeleteFolder(replaced);
    }

    private void Prune(long newest)
    {
        IReadOnlyList<Checkpoint> all = List();
        // Damaged ones among them, too: counted as the last, they would push out what the run goes on from.
        Checkpoint[] left = [.. all.Where(checkpoint => checkpoint.Step > newest)], current = [.. all.Where(checkpoint => checkpoint.Step <= newest)];
        string? best = BestOf(current)?.Folder;
        foreach (Checkpoint one in left) Delete(one.Folder);
        foreach (Checkpoint old in current.SkipLast(_keepLast))
        {
            if (old.Folder != best) Delete(old.Folder);
        }
    }

    /// <summary>Out of sight first, so that a crash leaves no half-deleted checkpoint under its name.</summary>
    private void Delete(string folder)
    {
        string hidden = Path.Combine(_folder, DeletedMark + Path.GetFileName(folder));
        if (Directory.Exists(hidden)) _files.DeleteFolder(hidden);
        _files.RenameFolder(folder, hidden);
        _files.DeleteFolder(hidden);
    }

    private void Recover()
    {
        foreach (string path in Directory.EnumerateDirectories(_folder, ReplacedMark + "*").ToList())
        {
            string target = Path.Combine(_folder, Path.GetFileName(path)[ReplacedMark.Length..]);
            if (Directory.Exists(target)) _files.DeleteFolder(path);
            else _files.RenameFolder(path, target);
        }
        foreach (string mark in (string[])[PartialMark, DeletedMark])
        {
            foreach (string path in Directory.EnumerateDirectories(_folder, mark + Prefix + "*").ToList()) _files.DeleteFolder(path);
        }
    }

    private IEnumerable<(long Step, string Folder)> Folders()
    {
        foreach (string folder in Directory.EnumerateDirectories(_folder, Prefix + "*").OrderBy(StepOf))
        {
            if (StepOf(folder) is { } step) yield return (step, folder);
        }
    }

    private static long? StepOf(string folder) =>
        long.TryParse(Path.GetFileName(folder)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : null;

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw StorageFault.From(_folder, fault);
        }
    }

    /// <summary>Removal after a failure must not hide the failure; what stays is removed by the next start.</summary>
    private void TryDelete(string folder)
    {
        try
        {
            if (Directory.Exists(folder)) _files.DeleteFolder(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
