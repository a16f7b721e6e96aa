using Lema.Engine.Weights;
using Lema.Protocol.V1;
using Lema.Server.Workers;

namespace Lema.Server.EngineJobs;

/// <summary>Writes a model in layer order.</summary>
internal static class PrepareJobRunner
{
    public static void Run(PrepareJob job, IJobContext context)
    {
        ByteProgressPublisher progress = new(context, "preparing");
        PreparedModel prepared = ModelPreparer.Prepare(job.ModelFolder, job.OutputFolder, new PrepareOptions { ConvertToFp16 = job.Dtype == "fp16" }, progress, context.Stop);
        string message = prepared.UnderflowedValues > 0 ? $"{prepared.UnderflowedValues} values are too small for float16 and became 0." : "";
        context.Publish(new WorkerEvent { Completed = new JobCompleted { Message = message } });
    }
}
