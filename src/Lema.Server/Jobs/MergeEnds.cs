using Lema.Protocol.V1;
using Lema.Server.Errors;
using Lema.Server.Models;

namespace Lema.Server.Jobs;

/// <summary>Writes down how merges ended; a merged model becomes a model of the host in the same transaction, and its name is free for others only then. Lives as long as the daemon.</summary>
internal sealed class MergeEnds(JobStore<Export> store, ModelRegistry models, TimeProvider clock, ILogger<MergeEnds> logger) : JobEnds<Export>(clock, logger)
{
    protected override async Task<Export> RecordAsync(Export ended)
    {
        try
        {
            // A daemon that went down between the two left the model registered.
            bool isNew = ended.State == JobState.Completed && models.Find(ended.ModelName) is not { Origin: ModelOrigin.Merged };
            ModelRecord model = new(ended.ModelName, ModelOrigin.Merged, ended.Folder, ended.Ended.ToDateTimeOffset());
            await store.UpdateAsync(ended.Id, ended.State, ended, isNew ? (connection, transaction) => ModelRegistry.Insert(connection, transaction, model) : null).ConfigureAwait(false);
            models.Release(ended.ModelName);
            return ended;
        }
        catch (ConflictException taken)
        {
            // Somebody added another model under the name while this one was made.
            Export failed = ended.Clone();
            (failed.State, failed.Error) = (JobState.Failed, $"{taken.Message} What was merged lies in {ended.Folder}.");
            await store.UpdateAsync(failed.Id, failed.State, failed).ConfigureAwait(false);
            models.Release(failed.ModelName);
            return failed;
        }
    }
}
