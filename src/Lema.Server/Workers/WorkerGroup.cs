using Lema.Engine.Errors;
using Lema.Server.Monitoring;

namespace Lema.Server.Workers;

/// <summary>The control group of one worker, removed with it: by the next daemon where this one is killed.</summary>
internal sealed class WorkerGroup(ControlGroup group, string job, long limitBytes)
{
    /// <summary>Where the worker joins it.</summary>
    public string Folder => group.Folder;

    /// <summary>Why the worker was ended, if it was for its memory.</summary>
    public BudgetExceededException? OverLimit() =>
        group.HasEndedAProcess ? MemoryGuard.OverLimit(job, Math.Max(group.PeakBytes ?? 0, MemoryGuard.Ceiling(limitBytes)), limitBytes) : null;

    public void Remove() => group.Remove();
}
