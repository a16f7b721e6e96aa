using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Training;
using Lema.Server.Storage;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>What a run of the engine tells, in the terms of the protocol.</summary>
internal static class TrainingEvents
{
    public static IEnumerable<Proto.WorkerEvent> Translate(TrainingEvent next, Proto.TrainJob job)
    {
        switch (next)
        {
            case StepCompleted step:
                yield return new() { Step = Point(step) };
                break;
            case PhaseChanged phase:
                yield return new() { Phase = new Proto.PhaseChange { Text = phase.Text, Fraction = phase.Fraction ?? -1 } };
                break;
            case Notice notice:
                yield return new() { Log = new Proto.LogLine { Level = Proto.LogLine.Types.Level.Information, Text = notice.Text } };
                break;
            case PlanMade plan:
                yield return new() { Plan = PlanMapping.ToProto(plan.Plan, plan.Request, plan.Steps, meanStepTokens: null) };
                break;
            case CheckpointSaved saved:
                yield return new() { Checkpoint = CheckpointOf(saved, job.RunFolder) };
                if (saved.Removed.Count > 0) yield return new() { CheckpointsRemoved = new Proto.CheckpointsRemoved { Steps = { saved.Removed } } };
                break;
            case EvaluationCompleted evaluation:
                yield return new() { Evaluation = EvaluationOf(evaluation, job.Settings.Data.ReplyFormat.ToEngine() ?? ReplyFormat.Lema) };
                break;
        }
    }

    private static Proto.StepPoint Point(StepCompleted step) => new()
    {
        Step = step.Step, Loss = step.Loss, LearningRate = step.LearningRate, GradNorm = step.GradientNorm, Tokens = step.Tokens, Seconds = step.Seconds, StallSeconds = step.StallSeconds,
        DiskBytes = step.DiskBytes, PeakRssBytes = step.PeakRssBytes, LedgerBytes = step.LedgerBytes, LedgerPeakBytes = step.LedgerPeakBytes,
        Time = Timestamp.FromDateTime(DateTime.UtcNow),
    };

    private static Proto.Checkpoint CheckpointOf(CheckpointSaved saved, string runFolder) => new()
    {
        Step = saved.Step, Time = Timestamp.FromDateTime(DateTime.UtcNow), Path = Path.GetRelativePath(runFolder, saved.Folder).Replace(Path.DirectorySeparatorChar, '/'),
        Bytes = Folders.Files(saved.Folder).Sum(file => file.File.Length),
    };

    private static Proto.TrainEvaluation EvaluationOf(EvaluationCompleted evaluation, ReplyFormat format)
    {
        Proto.TrainEvaluation result = new() { Point = new Proto.EvaluationPoint { Step = evaluation.Step, Loss = evaluation.Loss } };
        if (evaluation.Replies is not { } replies) return result;
        result.Point.Questions = replies.Questions;
        result.Point.ValidFormat = replies.ValidFormat;
        result.Point.RightAnswer = replies.RightAnswers;
        result.Replies.AddRange(replies.Replies.Select((reply, index) => ReplyMapping.ToProto(format, reply, index)));
        return result;
    }
}
