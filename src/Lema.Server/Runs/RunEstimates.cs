using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Datasets;
using Lema.Server.Jobs;
using Lema.Server.Models;

namespace Lema.Server.Runs;

/// <summary>Plans of runs that are not started. Lives as long as the daemon.</summary>
internal sealed class RunEstimates(RunRequests requests, ModelRegistry models, DatasetRegistry datasets, WorkerJobs workers)
{
    /// <exception cref="LemaException">Every problem of the settings at once.</exception>
    public async Task<Estimate> EstimateAsync(EstimateRunRequest request, CancellationToken stop)
    {
        RequestProblems problems = new();
        RunSettings settings = requests.CheckSettings(request.Settings, request.Model, request.Dataset, problems);
        problems.ThrowIfAny();
        EstimateJob job = new() { ModelFolder = models.StreamingFolder(models.Get(request.Model)), DatasetFile = datasets.FileOf(request.Dataset), Dataset = request.Dataset, Settings = settings };
        Estimate? estimate = null;
        await workers.RunAsync($"estimate for {request.Model}", new WorkerJob { Estimate = job }, JobMemory.ForCopy(), next =>
        {
            if (next.KindCase == WorkerEvent.KindOneofCase.Plan) estimate = next.Plan;
            return Task.CompletedTask;
        }, stop);
        return estimate ?? throw new InvalidOperationException("The worker ended without an estimate.");
    }
}
