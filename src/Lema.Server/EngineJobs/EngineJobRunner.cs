using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Workers;

namespace Lema.Server.EngineJobs;

/// <summary>Does the jobs of a worker with the engine.</summary>
internal sealed class EngineJobRunner : IJobRunner
{
    public void Run(WorkerJob job, IJobContext context)
    {
        switch (job.KindCase)
        {
            case WorkerJob.KindOneofCase.Train:
                TrainJobRunner.Run(job.Train, context);
                break;
            case WorkerJob.KindOneofCase.Prepare:
                PrepareJobRunner.Run(job.Prepare, context);
                break;
            case WorkerJob.KindOneofCase.Merge:
                MergeJobRunner.Run(job.Merge, context);
                break;
            case WorkerJob.KindOneofCase.Evaluate:
                EvaluateJobRunner.Run(job.Evaluate, context);
                break;
            case WorkerJob.KindOneofCase.Serve:
                ServeJobRunner.Run(job.Serve, context);
                break;
            case WorkerJob.KindOneofCase.Estimate:
                EstimateJobRunner.Run(job.Estimate, context);
                break;
            case WorkerJob.KindOneofCase.Diagnose:
                DiagnoseJobRunner.Run(job.Diagnose, context);
                break;
            default:
                throw new InvalidInputException("job", job.KindCase.ToString(), "is no job of this version.");
        }
    }
}
