using System.Globalization;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Storage;

namespace Lema.Server.Runs;

/// <summary>Folders of adapters by the names that users give: uploaded ones, and checkpoints of runs. Lives as long as the daemon.</summary>
internal sealed class AdapterFinder(RunDirectory runs, DataFolder data)
{
    /// <summary>Before the id or name of a run whose last checkpoint is meant.</summary>
    private const string RunPrefix = "run/";

    /// <summary>Whether a run begins with the adapter of another, which it needs at each of its starts.</summary>
    public static bool StartsFrom(RunDetail run, RunSummary other) =>
        run.Settings?.InitAdapter is { } adapter && (adapter == RunPrefix + other.Id || adapter == RunPrefix + other.Name);

    /// <param name="name">Of an uploaded adapter, or <c>run/ID-OR-NAME</c> for a run's last checkpoint.</param>
    /// <exception cref="NotFoundException">There is none.</exception>
    public string Find(string name)
    {
        if (name.StartsWith(RunPrefix, StringComparison.Ordinal)) return Checkpoint(runs.Get(name[RunPrefix.Length..]).Detail, "last").Folder;
        string folder = Path.Combine(data.Adapters, name);
        if (ResourceNames.IsValid(name) && Directory.Exists(folder)) return folder;
        throw new NotFoundException("adapter", name, "Upload it with `lema-remote artifact upload`, or name a run as run/NAME.");
    }

    /// <param name="which">"last" or empty, "best", or a step.</param>
    /// <exception cref="NotFoundException">The run has no such checkpoint.</exception>
    public (long Step, string Folder) Checkpoint(RunDetail run, string which)
    {
        Checkpoint? found = which switch
        {
            "" or "last" => run.Checkpoints.MaxBy(c => c.Step),
            "best" => run.Checkpoints.FirstOrDefault(c => c.Best) ?? run.Checkpoints.MaxBy(c => c.Step),
            _ => run.Checkpoints.FirstOrDefault(c => c.Step.ToString(CultureInfo.InvariantCulture) == which),
        };
        if (found is null)
            throw new NotFoundException("checkpoint", which.Length == 0 ? "last" : which, run.Checkpoints.Count == 0
                ? $"Run '{run.Summary.Name}' has none yet." : $"Run '{run.Summary.Name}' has {string.Join(", ", run.Checkpoints.Select(c => c.Step).Order())}.");
        string folder = Path.Combine(data.RunFolder(run.Summary.Id), found.Path);
        return Directory.Exists(folder) ? (found.Step, folder) : throw new NotFoundException("checkpoint", found.Step.ToString(CultureInfo.InvariantCulture), "Its folder is gone.");
    }
}
