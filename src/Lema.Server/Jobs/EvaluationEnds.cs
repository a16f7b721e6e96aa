using Lema.Protocol.V1;

namespace Lema.Server.Jobs;

/// <summary>Writes down how evaluations ended. Lives as long as the daemon.</summary>
internal sealed class EvaluationEnds(JobStore<EvaluationJob> store, TimeProvider clock, ILogger<EvaluationEnds> logger) : JobEnds<EvaluationJob>(clock, logger)
{
    protected override async Task<EvaluationJob> RecordAsync(EvaluationJob ended)
    {
        await store.UpdateAsync(ended.Id, ended.State, ended).ConfigureAwait(false);
        return ended;
    }
}
