using Lema.Engine.Merging;
using Lema.Protocol.V1;
using Lema.Server.Workers;

namespace Lema.Server.EngineJobs;

/// <summary>Adds an adapter into its base.</summary>
internal static class MergeJobRunner
{
    public static void Run(MergeJob job, IJobContext context)
    {
        MergeOptions options = new(job.Dtype == "float32" ? MergeDtype.Float32 : MergeDtype.Base);
        AdapterMerger.Merge(job.ModelFolder, job.AdapterFolder, job.OutputFolder, options, new ByteProgressPublisher(context, "merging"), context.Stop);
        JobCompleted completed = new();
        if (job.CheckWeightBytes > 0)
        {
            context.Publish(new WorkerEvent { Progress = new Progress { Phase = "comparing with base and adapter" } });
            completed.MaxLogitDifference = MergeCheck.LargestLogitDifference(job.ModelFolder, job.AdapterFolder, job.OutputFolder, job.CheckWeightBytes, context.Stop);
        }
        context.Publish(new WorkerEvent { Completed = completed });
    }
}
