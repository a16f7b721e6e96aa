using System.Globalization;
using Lema.Engine.Checkpoints;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Workers;
using Checkpoint = Lema.Protocol.V1.Checkpoint;

namespace Lema.Server.Tests.Fakes;

/// <summary>
/// An engine without tensors: its losses are a function of the step, its checkpoints hold the step in a file, and it goes on from the newest one. A test can hold it at a
/// step, or have it fail there.
/// </summary>
internal sealed class FakeJobRunner : IJobRunner
{
    /// <summary>Called on the job's thread before each step.</summary>
    public Action<long>? BeforeStep { get; set; }

    /// <summary>Called on the job's thread before a merge or an evaluation ends.</summary>
    public Action? BeforeEnd { get; set; }

    /// <summary>Steps to let through; null: all.</summary>
    public SemaphoreSlim? Gate { get; set; }

    /// <summary>Length of a line that is logged with each step, and of what a preparation says of each layer; 0: nothing is.</summary>
    public int LogLineLength { get; init; }

    /// <summary>Layers that a preparation tells of.</summary>
    public int PreparedLayers { get; init; } = 2;

    public static double LossOf(long step) => 2.0 / Math.Sqrt(step);

    public static long LedgerOf(long step) => 1_000_000 + step;

    public void Run(WorkerJob job, IJobContext context)
    {
        switch (job.KindCase)
        {
            case WorkerJob.KindOneofCase.Train:
                Train(job.Train, context);
                break;
            case WorkerJob.KindOneofCase.Serve:
                context.Publish(new WorkerEvent { Ready = new ServeReady() });
                context.Serve(Answer);
                context.Publish(new WorkerEvent { Completed = new JobCompleted { Stopped = true } });
                break;
            case WorkerJob.KindOneofCase.Merge:
                Directory.CreateDirectory(job.Merge.OutputFolder);
                foreach (string file in Directory.GetFiles(job.Merge.ModelFolder)) File.Copy(file, Path.Combine(job.Merge.OutputFolder, Path.GetFileName(file)));
                context.Publish(new WorkerEvent { Progress = new Progress { Phase = "merging", Done = 1, Total = 2, Unit = "layers" } });
                BeforeEnd?.Invoke();
                context.Publish(new WorkerEvent { Completed = new JobCompleted() });
                break;
            case WorkerJob.KindOneofCase.Prepare:
                for (int layer = 0; layer < PreparedLayers; layer++) context.Publish(new WorkerEvent { Progress = new Progress { Phase = new string('.', LogLineLength), Done = layer, Total = PreparedLayers, Unit = "layers" } });
                Directory.CreateDirectory(job.Prepare.OutputFolder);
                context.Publish(new WorkerEvent { Completed = new JobCompleted() });
                break;
            case WorkerJob.KindOneofCase.Evaluate:
                Evaluate(job.Evaluate, context);
                break;
            case WorkerJob.KindOneofCase.Estimate:
                context.Publish(new WorkerEvent { Plan = new Estimate { Fits = true, Steps = job.Estimate.Settings.Steps } });
                context.Publish(new WorkerEvent { Completed = new JobCompleted() });
                break;
            default:
                throw new InvalidInputException("job", job.KindCase.ToString(), "the fake engine does not know it.");
        }
    }

    private void Train(TrainJob job, IJobContext context)
    {
        CheckpointStore store = new(Path.Combine(job.RunFolder, "checkpoints"), Math.Max(1, job.Settings.Checkpoint.KeepLast));
        long saved = job.ResumeStep > 0 ? job.ResumeStep : store.FindLatest().Found?.Step ?? 0;
        long step = saved;
        int every = job.Settings.Checkpoint.EverySteps;
        while (step < job.Settings.Steps)
        {
            context.AnswerWaiting(Answer);
            if (Gate is { } gate && !WaitFor(gate, context) || context.Stop.IsCancellationRequested)
            {
                if (!context.Discard && step > saved) Save(store, step, context);
                context.Publish(new WorkerEvent { Completed = new JobCompleted { Stopped = true, SavedStep = context.Discard ? saved : step } });
                return;
            }
            BeforeStep?.Invoke(step + 1);
            step++;
            context.Publish(new WorkerEvent
            {
                Step = new StepPoint { Step = step, Loss = LossOf(step), LearningRate = 1e-3, GradNorm = 1, Tokens = 100, Seconds = 0.01, DiskBytes = 10, PeakRssBytes = 1 << 20, LedgerBytes = LedgerOf(step), LedgerPeakBytes = 2 * LedgerOf(step) },
            });
            if (LogLineLength > 0) context.Publish(new WorkerEvent { Log = new LogLine { Text = new string('.', LogLineLength) } });
            if (every > 0 && step % every == 0)
            {
                Save(store, step, context);
                saved = step;
            }
        }
        if (saved < step) Save(store, step, context);
        context.Publish(new WorkerEvent { Completed = new JobCompleted { SavedStep = step } });
    }

    private static bool WaitFor(SemaphoreSlim gate, IJobContext context)
    {
        try
        {
            while (!gate.Wait(TimeSpan.FromMilliseconds(10), context.Stop)) context.AnswerWaiting(Answer);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static void Save(CheckpointStore store, long step, IJobContext context)
    {
        long[] before = [.. store.List().Select(c => c.Step)];
        store.Save(step, folder => File.WriteAllText(Path.Combine(folder, "state.txt"), step.ToString(CultureInfo.InvariantCulture)));
        context.Publish(new WorkerEvent { Checkpoint = new Checkpoint { Step = step, Path = $"checkpoints/checkpoint-{step}", Bytes = 1 } });
        long[] removed = [.. before.Except(store.List().Select(c => c.Step))];
        if (removed.Length > 0) context.Publish(new WorkerEvent { CheckpointsRemoved = new CheckpointsRemoved { Steps = { removed } } });
    }

    private static void Answer(ReplyRequest request)
    {
        for (int i = 0; i < request.Request.Prompts.Count; i++)
        {
            string text = "echo " + request.Request.Prompts[i].Text;
            if (request.Request.Prompts[i].Text == "fail") throw new InvalidInputException("prompt", "", "the fake engine was told to fail.");
            foreach (char c in text) request.Respond(new ChatResponse { Delta = new ChatDelta { Prompt = i, Text = c.ToString(), Tokens = 1 } });
            request.Respond(new ChatResponse { Completion = new ChatCompletion { Prompt = i, Text = text, FinishReason = FinishReason.End, Reply = new ParsedReply { Format = request.Request.ReplyFormat?.Name ?? "" }, Statistics = new ChatStatistics { ReplyTokens = text.Length } } });
        }
    }

    private void Evaluate(EvaluateJob job, IJobContext context)
    {
        EvaluationResult result = new() { ReplyFormat = job.ReplyFormat?.Name ?? "" };
        for (int i = 0; i < job.Questions.Count; i++)
        {
            Question question = job.Questions[i];
            result.Questions++;
            result.RightAnswer++;
            EvaluatedReply reply = new() { Index = i, Question = question.Question_, Expected = question.Expected, Text = question.Expected, Right = true };
            context.Publish(new WorkerEvent { Replies = new RepliesEvaluated { SoFar = result.Clone(), Replies = { reply } } });
        }
        BeforeEnd?.Invoke();
        context.Publish(new WorkerEvent { Completed = new JobCompleted() });
    }
}
