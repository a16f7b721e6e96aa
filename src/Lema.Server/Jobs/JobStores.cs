using Lema.Protocol.V1;
using Lema.Server.Storage;

namespace Lema.Server.Jobs;

/// <summary>The kinds of jobs that are kept as rows.</summary>
internal static class JobStores
{
    public static JobStore<Export> Exports(RunDatabase database) => new(database, "export", Export.Parser);

    public static JobStore<EvaluationJob> Evaluations(RunDatabase database) => new(database, "evaluation", EvaluationJob.Parser);
}
