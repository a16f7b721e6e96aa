using Lema.Protocol.V1;

namespace Lema.Server.Workers;

/// <summary>Something that does one engine job: a process of its own, or in tests this process. Disposing it ends it at once.</summary>
public interface IEngineWorker : IAsyncDisposable
{
    /// <summary>Null when the worker is this process.</summary>
    int? ProcessId { get; }

    /// <summary>Does the job. Ends after <see cref="JobCompleted"/>, or throws what <see cref="WorkerFailure"/> understands.</summary>
    IAsyncEnumerable<WorkerEvent> ExecuteAsync(WorkerJob job, CancellationToken stop);

    /// <summary>Asks the job to end after the step in progress.</summary>
    Task StopJobAsync(bool discard, CancellationToken stop);

    /// <summary>Replies of the model that the worker serves.</summary>
    IAsyncEnumerable<ChatResponse> GenerateAsync(GenerateRepliesRequest request, CancellationToken stop);

    Task<PingResponse> PingAsync(CancellationToken stop);
}

/// <summary>Starts workers. Lives as long as the daemon.</summary>
public interface IEngineWorkerFactory
{
    /// <param name="job">What it is for, as shown to people and in telemetry.</param>
    /// <param name="memoryLimitBytes">What a user allows it; null: no limit.</param>
    Task<IEngineWorker> StartAsync(string job, long? memoryLimitBytes, CancellationToken stop);
}
