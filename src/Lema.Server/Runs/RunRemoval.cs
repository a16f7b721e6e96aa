using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Storage;

namespace Lema.Server.Runs;

/// <summary>Removes runs with all they have. Lives as long as the daemon.</summary>
internal sealed class RunRemoval(RunDirectory directory, RunStore store, RunUses uses, RunsFeed feed, DataFolder data, IFileLayer? files = null)
{
    /// <exception cref="NotFoundException">There is no such run.</exception>
    /// <exception cref="ConflictException">It waits or is at work, or another that is not over starts from it.</exception>
    public async Task DeleteAsync(string idOrName)
    {
        RunSession session = directory.Get(idOrName);
        // The database decides: somebody may resume the run in this very moment.
        bool isGone = await uses.AloneAsync(() =>
        {
            uses.Check($"Run '{session.Summary.Name}'", "deleted", other => other.Summary.Id != session.Id && AdapterFinder.StartsFrom(other, session.Summary));
            return store.DeleteAsync(session.Id, RunStates.Resting);
        }).ConfigureAwait(false);
        if (!isGone)
        {
            RunSummary now = session.Summary;
            throw new ConflictException($"Run '{now.Name}' is {RunStates.Word(now.State)}. Stop it first.");
        }
        RunSummary run = session.Summary;
        directory.Forget(run.Id);
        feed.Removed(run.Id);
        Folders.DeleteIfThere(data.RunFolder(run.Id), files);
    }
}
