using Lema.Protocol.V1;

namespace Lema.Server.Workers;

/// <summary>The engine's side of a worker: does a job on the thread it is called on.</summary>
public interface IJobRunner
{
    /// <summary>Does the job and returns when it is through. Its last event is <see cref="JobCompleted"/>.</summary>
    /// <exception cref="Engine.Errors.LemaException">The job cannot be done; the message says why.</exception>
    void Run(WorkerJob job, IJobContext context);
}

/// <summary>What a job has of its worker. Lives as long as the job.</summary>
public interface IJobContext
{
    /// <summary>Set when the job is to end after the step in progress.</summary>
    CancellationToken Stop { get; }

    /// <summary>With <see cref="Stop"/>: end without saving the last step.</summary>
    bool Discard { get; }

    /// <summary>Hands an event to the daemon; waits while the daemon is behind.</summary>
    void Publish(WorkerEvent workerEvent);

    /// <summary>Tells how things stand, from any thread. Left out while the daemon is behind.</summary>
    /// <param name="hasWorked">The job itself has got on since the last report: a sign of life in a step that takes longer than any watch would wait.</param>
    void Report(WorkerSample sample, bool hasWorked);

    /// <summary>Answers requests for replies, one after another on this thread, until the job is to end. For jobs that serve.</summary>
    void Serve(Action<ReplyRequest> answer);

    /// <summary>Answers the requests for replies that wait at this moment, on this thread. For jobs that do something else in the first place.</summary>
    void AnswerWaiting(Action<ReplyRequest> answer);
}

/// <summary>One call for replies, answered on the job's thread.</summary>
public sealed class ReplyRequest(GenerateRepliesRequest request, Action<ChatResponse> respond, CancellationToken cancelled)
{
    public GenerateRepliesRequest Request { get; } = request;

    /// <summary>Set when the caller has left.</summary>
    public CancellationToken Cancelled { get; } = cancelled;

    public void Respond(ChatResponse response) => respond(response);
}
