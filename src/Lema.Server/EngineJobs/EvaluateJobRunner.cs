using System.Diagnostics;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Evaluation;
using Lema.Server.Workers;
using static TorchSharp.torch;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Asks a model questions, or measures how well it predicts a text.</summary>
internal static class EvaluateJobRunner
{
    /// <summary>Replies made together before they are handed on.</summary>
    private const int QuestionsAtOnce = 100;

    public static void Run(Proto.EvaluateJob job, IJobContext context)
    {
        long start = Stopwatch.GetTimestamp();
        using var scope = NewDisposeScope();
        context.Publish(new Proto.WorkerEvent { Progress = new Proto.Progress { Phase = "opening the model" } });
        using OpenModel open = OpenModel.Open(job.Model);
        if (job.Questions.Count > 0) Ask(job, open, context, start);
        else Measure(job, open, context, start);
        context.Publish(new Proto.WorkerEvent { Completed = new Proto.JobCompleted() });
    }

    private static void Ask(Proto.EvaluateJob job, OpenModel open, IJobContext context, long start)
    {
        ReplyFormat format = job.ReplyFormat.ToEngine() ?? ReplyFormat.Lema;
        ReplyEvaluator evaluator = new(open.Model, open.Text.Tokenizer, open.Text.EndTokens, format, open.Bounds)
        {
            MaxNewTokens = job.MaxTokens, Prompt = question => open.Text.Prompts.Of(question, format),
        };
        Proto.EvaluationResult result = new() { ReplyFormat = format.Name };
        foreach (Proto.Question[] chunk in job.Questions.Chunk(QuestionsAtOnce))
        {
            int first = result.Questions;
            ReplyEvaluation replies = evaluator.Evaluate([.. chunk.Select(q => new ReplyQuestion(q.Question_, q.Expected))], finished => context.Publish(new Proto.WorkerEvent
            {
                Progress = new Proto.Progress { Phase = "replies", Done = first + finished, Total = job.Questions.Count, Unit = "questions" },
            }), context.Stop);
            result.Questions += replies.Questions;
            result.ValidFormat += replies.ValidFormat;
            result.RightAnswer += replies.RightAnswers;
            result.Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Proto.RepliesEvaluated evaluated = new() { SoFar = result.Clone() };
            evaluated.Replies.AddRange(replies.Replies.Select((reply, i) => ReplyMapping.ToProto(format, reply, first + i)));
            context.Publish(new Proto.WorkerEvent { Replies = evaluated });
        }
    }

    private static void Measure(Proto.EvaluateJob job, OpenModel open, IJobContext context, long start)
    {
        int[] ids = open.Text.Tokenizer.EncodePrompt(job.Text);
        PerplexityResult measured = new Perplexity(open.Model).Measure(ids, done => context.Publish(new Proto.WorkerEvent
        {
            Progress = new Proto.Progress { Phase = "scoring", Done = done, Total = ids.Length - 1, Unit = "tokens" },
        }), context.Stop);
        context.Publish(new Proto.WorkerEvent
        {
            Replies = new Proto.RepliesEvaluated
            {
                SoFar = new Proto.EvaluationResult { Perplexity = measured.Value, Tokens = measured.Tokens, Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds },
            },
        });
    }
}
