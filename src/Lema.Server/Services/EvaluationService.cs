using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Server.Jobs;

namespace Lema.Server.Services;

/// <summary>Evaluations, for clients. Made for each call.</summary>
internal sealed class EvaluationService(EvaluationManager evaluations, Watching watching) : Evaluation.EvaluationBase
{
    public override Task<EvaluationJob> StartEvaluation(StartEvaluationRequest request, ServerCallContext context) => evaluations.StartAsync(request);

    public override Task WatchEvaluation(WatchEvaluationRequest request, IServerStreamWriter<WatchEvaluationResponse> responseStream, ServerCallContext context)
    {
        evaluations.Get(request.Id);
        return watching.RunAsync<WatchEvaluationResponse>(context, responseStream, async (send, stop) =>
        {
            int next = Math.Max(0, request.FirstReply);
            while (evaluations.Live(request.Id) is { } live)
            {
                (EvaluationJob now, Task changed) = live.Now;
                if (now.State is not (JobState.Queued or JobState.Running)) break;
                next = await SendAsync(send, now, next);
                await changed.WaitAsync(stop);
            }
            await SendAsync(send, evaluations.Get(request.Id), next);
        });
    }

    public override Task<GetEvaluationResponse> GetEvaluation(GetEvaluationRequest request, ServerCallContext context)
    {
        GetEvaluationResponse response = new() { Job = evaluations.Get(request.Id) };
        response.Replies.AddRange(evaluations.Replies(request.Id, 0));
        return Task.FromResult(response);
    }

    public override Task<ListEvaluationsResponse> ListEvaluations(ListEvaluationsRequest request, ServerCallContext context)
    {
        ListEvaluationsResponse response = new();
        response.Evaluations.AddRange(evaluations.List(request.Run));
        return Task.FromResult(response);
    }

    public override Task<EvaluationJob> CancelEvaluation(CancelEvaluationRequest request, ServerCallContext context) => evaluations.CancelAsync(request.Id);

    /// <returns>Index of the first reply that has not been sent.</returns>
    private async Task<int> SendAsync(Func<WatchEvaluationResponse, Task> send, EvaluationJob job, int first)
    {
        WatchEvaluationResponse message = new() { Job = job };
        message.Replies.AddRange(evaluations.Replies(job.Id, first));
        await send(message);
        return message.Replies.Count > 0 ? message.Replies.Max(reply => reply.Index) + 1 : first;
    }
}
