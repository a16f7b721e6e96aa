using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.Client;
using Lema.Protocol.V1;

namespace Lema.Cli.Conversations;

/// <summary>What an evaluation came to.</summary>
internal sealed record EvaluationOutcome(EvaluationResult Result, IReadOnlyList<EvaluatedReply> Replies);

/// <summary>Starts an evaluation and follows it to its end, over lost connections. Leaving cancels it.</summary>
internal sealed class EvaluationFollower(HostConnection host, Output output, TimeProvider clock)
{
    /// <exception cref="CliException">The evaluation failed.</exception>
    public async Task<EvaluationOutcome> RunAsync(StartEvaluationRequest request, CancellationToken cancellation)
    {
        EvaluationJob job = await host.Evaluation.StartEvaluationAsync(request, cancellationToken: cancellation);
        SortedDictionary<int, EvaluatedReply> replies = [];
        JobProgress progress = new(output, clock);
        BrokenLine line = new(output.Note, clock);
        string id = job.Id;
        try
        {
            // What has come is asked for no more, also after a lost connection.
            await foreach (StreamUpdate<WatchEvaluationResponse> update in RecoveringStream.Watch(
                token => host.Evaluation.WatchEvaluation(new WatchEvaluationRequest { Id = id, FirstReply = NextReply(replies) }, cancellationToken: token), stop: cancellation))
            {
                if (update is StreamUpdate<WatchEvaluationResponse>.Lost lost) line.Broke(lost.Reason.Message);
                if (update is not StreamUpdate<WatchEvaluationResponse>.Message { Value: var message }) continue;
                line.Answered();
                if (message.Job is not null) job = message.Job;
                foreach (EvaluatedReply reply in message.Replies) replies[reply.Index] = reply;
                if (job.Progress is { } made) progress.Show(made);
            }
        }
        catch (Exception) when (cancellation.IsCancellationRequested)
        {
            await host.Evaluation.CancelEvaluationAsync(new CancelEvaluationRequest { Id = id });
            throw;
        }
        progress.End();
        if (job.State != JobState.Completed) throw new CliException(ExitCode.Failed, job.Error.Length > 0 ? job.Error : $"The evaluation ended as {job.State.ToString().ToLowerInvariant()}.");
        return new EvaluationOutcome(job.Result, [.. replies.Values]);
    }

    private static int NextReply(SortedDictionary<int, EvaluatedReply> replies)
    {
        int next = 0;
        while (replies.ContainsKey(next)) next++;
        return next;
    }
}
