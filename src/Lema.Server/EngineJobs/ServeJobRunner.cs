using Lema.Engine.Generation;
using Lema.Protocol.V1;
using Lema.Server.Workers;
using TorchSharp;

namespace Lema.Server.EngineJobs;

/// <summary>Holds a model open and answers.</summary>
internal static class ServeJobRunner
{
    public static void Run(ServeJob job, IJobContext context)
    {
        using var scope = torch.NewDisposeScope();
        using OpenModel open = OpenModel.Open(job.Model);
        Generator generator = new(open.Model, open.Bounds);
        context.Publish(new WorkerEvent { Ready = new ServeReady() });
        context.Serve(asked => ReplyJob.Answer(asked, generator, open.Text));
        context.Publish(new WorkerEvent { Completed = new JobCompleted { Stopped = true } });
    }
}
