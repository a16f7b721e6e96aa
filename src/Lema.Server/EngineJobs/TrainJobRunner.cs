using Lema.Engine.Training;
using Lema.Server.Datasets;
using Lema.Server.Storage;
using Lema.Server.Workers;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Trains, or goes on training, and answers between two steps who asks for replies of the base or a checkpoint.</summary>
internal static class TrainJobRunner
{
    public static void Run(Proto.TrainJob job, IJobContext context)
    {
        TrainingJob run = new(
            job.ModelFolder, job.DatasetFile, job.EvaluationFile.Length > 0 ? job.EvaluationFile : null, job.Settings.ToEngine(job.InitAdapterFolder), job.RunFolder,
            job.ResumeStep > 0 ? job.ResumeStep : null, new RecordedProgress(job.RecordedStep, job.RecordedEvaluationStep), job.GivenBytes > 0 ? job.GivenBytes : null);
        try
        {
            TrainingResult result = DatasetErrors.Named([(job.DatasetFile, job.Dataset), (job.EvaluationFile, job.EvaluationDataset)], () => Train(run, job, context));
            context.Publish(new Proto.WorkerEvent { Completed = new Proto.JobCompleted { Stopped = result.Stopped, SavedStep = result.SavedStep } });
        }
        catch (Exception full) when (FullDisk.IsWhy(full))
        {
            context.Publish(new Proto.WorkerEvent { Completed = new Proto.JobCompleted { Stopped = true, DiskFull = true, Message = full.Message } });
        }
    }

    private static TrainingResult Train(TrainingJob run, Proto.TrainJob job, IJobContext context)
    {
        Lazy<ModelText> text = new(() => ModelText.Load(job.ModelFolder));
        StreamReporter? reporter = null;
        try
        {
            return TrainingRun.Execute(run, next =>
            {
                if (next is StreamOpened opened) reporter = new(opened, job.RunId, context);
                foreach (Proto.WorkerEvent translated in TrainingEvents.Translate(next, job)) context.Publish(translated);
            }, context.Stop, resting => context.AnswerWaiting(asked => resting.Lend(asked.Request.Adapter, generator => ReplyJob.Answer(asked, generator, text.Value))));
        }
        finally
        {
            reporter?.Dispose();
        }
    }
}
