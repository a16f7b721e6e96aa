using Google.Protobuf.WellKnownTypes;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Datasets;
using Lema.Server.EngineJobs;
using Lema.Server.Runs;
using Lema.Server.Storage;
using Lema.Server.Workers;

namespace Lema.Server.Jobs;

/// <summary>Evaluations of models and checkpoints. Lives as long as the daemon.</summary>
internal sealed class EvaluationManager(
    JobStore<EvaluationJob> store, RunDirectory runs, TargetResolver targets, DatasetRegistry datasets, WorkerJobs workers, EvaluationEnds ends, TimeProvider clock) : IHostedService
{
    private const int DefaultTokens = 128, MostQuestions = 100_000;

    private readonly SingleStart<EvaluationJob> _starts = new(store.FindByKey);
    private readonly LiveJobs<EvaluationJob> _live = new(ends);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (EvaluationJob job in store.Unfinished())
            await _live.EndAsync(job.Id, Ended(job, JobState.Failed, "The daemon went down. Start the evaluation again.")).ConfigureAwait(false);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _live.CancelAllAsync();

    public Task<EvaluationJob> StartAsync(StartEvaluationRequest request) => _starts.StartAsync(request.IdempotencyKey, () => StartNewAsync(request));

    private async Task<EvaluationJob> StartNewAsync(StartEvaluationRequest request)
    {
        Target target = targets.Resolve(request.Target, request.WeightBytes);
        EvaluateJob job = new() { Model = target.Folders, MaxTokens = request.MaxTokens > 0 ? request.MaxTokens : DefaultTokens, ReplyFormat = request.ReplyFormat ?? target.ReplyFormat };
        _ = job.ReplyFormat.ToEngine();
        if (request.SubjectCase == StartEvaluationRequest.SubjectOneofCase.Text) job.Text = request.Text;
        else job.Questions.AddRange(Questions(request));
        if (job.Text.Length == 0 && job.Questions.Count == 0) throw new InvalidInputException("request", "subject", "there is nothing to evaluate: give questions, a dataset or a text.");
        if (job.Questions.Count > MostQuestions) throw new InvalidInputException("request", "questions", $"{job.Questions.Count} are too many: at most {MostQuestions}.");
        DateTimeOffset now = clock.GetUtcNow();
        EvaluationJob evaluation = new()
        {
            Id = NewId.At(now), Target = request.Target, State = JobState.Running, Result = new EvaluationResult(), Created = Timestamp.FromDateTimeOffset(now),
            Progress = new Progress { Phase = "starting", Total = job.Questions.Count, Unit = "questions" },
        };
        await store.InsertAsync(evaluation.Id, target.RunId, evaluation.State, request.IdempotencyKey, evaluation).ConfigureAwait(false);
        _live.Start(evaluation.Id, evaluation, (state, stop) => EvaluateAsync(job, target, state, stop));
        return evaluation;
    }

    /// <exception cref="NotFoundException">There is no such evaluation.</exception>
    public EvaluationJob Get(string id) => _live.Find(id)?.Value ?? store.Find(id) ?? throw new NotFoundException("evaluation", id, "`lema-remote eval` starts one.");

    public Watched<EvaluationJob>? Live(string id) => _live.Find(id);

    public IReadOnlyList<EvaluatedReply> Replies(string id, int first) => store.ReadReplies(id, first);

    public IReadOnlyList<EvaluationJob> List(string run) => [.. store.List(run.Length > 0 ? runs.Get(run).Id : "").Select(job => _live.Find(job.Id)?.Value ?? job)];

    public async Task<EvaluationJob> CancelAsync(string id)
    {
        Get(id);
        await _live.CancelAsync(id).ConfigureAwait(false);
        return Get(id);
    }

    private IEnumerable<Question> Questions(StartEvaluationRequest request) => request.SubjectCase switch
    {
        StartEvaluationRequest.SubjectOneofCase.Questions => request.Questions.Questions,
        StartEvaluationRequest.SubjectOneofCase.Dataset => QuestionReader.Read(datasets.FileOf(request.Dataset), request.Limit),
        _ => [],
    };

    private async Task<EvaluationJob> EvaluateAsync(EvaluateJob job, Target target, Watched<EvaluationJob> state, CancellationToken stop)
    {
        try
        {
            await workers.RunAsync($"evaluation of {target.Label}, {state.Value.Id}", new WorkerJob { Evaluate = job }, JobMemory.ForWeights(target.WeightBytes), async next =>
            {
                if (next.KindCase == WorkerEvent.KindOneofCase.Progress) state.Set(With(state.Value, e => e.Progress = next.Progress));
                if (next.KindCase != WorkerEvent.KindOneofCase.Replies) return;
                await store.SaveRepliesAsync(state.Value.Id, next.Replies.Replies).ConfigureAwait(false);
                state.Set(With(state.Value, e =>
                {
                    e.Result = next.Replies.SoFar;
                    if (job.Questions.Count > 0) e.Progress = new Progress { Phase = "replies", Done = next.Replies.SoFar.Questions, Total = job.Questions.Count, Unit = "questions" };
                }));
            }, stop).ConfigureAwait(false);
            return Ended(state.Value, JobState.Completed, "");
        }
        catch (Exception error)
        {
            bool cancelled = stop.IsCancellationRequested;
            return Ended(state.Value, cancelled ? JobState.Cancelled : JobState.Failed, cancelled ? "Cancelled." : WorkerFailure.From(error).Message);
        }
    }

    private EvaluationJob Ended(EvaluationJob job, JobState end, string error) => With(job, e =>
    {
        e.State = end;
        e.Error = error;
        e.Ended = Timestamp.FromDateTimeOffset(clock.GetUtcNow());
    });

    private static EvaluationJob With(EvaluationJob job, Action<EvaluationJob> change)
    {
        EvaluationJob copy = job.Clone();
        change(copy);
        return copy;
    }
}
