using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Lema.Protocol.V1;

namespace Lema.Server.Workers;

/// <summary>Runs one job on a thread of its own, where tensor code belongs, and carries its events to asynchronous readers. Lives as long as its worker.</summary>
internal sealed class JobHost(IJobRunner runner) : IDisposable
{
    private const string Ended = "The worker has ended.";

    private readonly CancellationTokenSource _stop = new();
    private readonly BlockingCollection<QueuedReply> _requests = new(boundedCapacity: 64);
    private long _heartbeat;
    private int _started;

    /// <summary>Rises with every event and reply, and with every report of work in between.</summary>
    public ulong Heartbeat => (ulong)Interlocked.Read(ref _heartbeat);

    public void StopJob(bool discard)
    {
        Discard |= discard;
        _stop.Cancel();
    }

    private bool Discard { get; set; }

    /// <exception cref="InvalidOperationException">This worker has had its job.</exception>
    public async IAsyncEnumerable<WorkerEvent> ExecuteAsync(WorkerJob job, [EnumeratorCancellation] CancellationToken stop)
    {
        if (Interlocked.Exchange(ref _started, 1) != 0) throw new InvalidOperationException("A worker does one job.");
        Channel<WorkerEvent> events = Channel.CreateBounded<WorkerEvent>(new BoundedChannelOptions(256) { SingleReader = true });
        using CancellationTokenSource leaving = CancellationTokenSource.CreateLinkedTokenSource(stop);
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread thread = new(() => Run(job, new Context(this, events.Writer, leaving.Token), events.Writer, ended)) { Name = "job", IsBackground = true };
        thread.Start();
        try
        {
            await foreach (WorkerEvent next in events.Reader.ReadAllAsync(stop).ConfigureAwait(false)) yield return next;
        }
        finally
        {
            // A reader that leaves ends the job; its thread is waited for, because the engine's files are open until then.
            await leaving.CancelAsync().ConfigureAwait(false);
            StopJob(discard: true);
            await ended.Task.ConfigureAwait(false);
        }
    }

    public async IAsyncEnumerable<ChatResponse> GenerateAsync(GenerateRepliesRequest request, [EnumeratorCancellation] CancellationToken stop)
    {
        Channel<ChatResponse> responses = Channel.CreateBounded<ChatResponse>(new BoundedChannelOptions(256) { SingleReader = true });
        using CancellationTokenSource leaving = CancellationTokenSource.CreateLinkedTokenSource(stop, _stop.Token);
        QueuedReply queued = new(new ReplyRequest(request, response => Write(responses.Writer, response, leaving.Token), leaving.Token), responses.Writer);
        Enqueue(queued, leaving.Token);
        try
        {
            await foreach (ChatResponse response in responses.Reader.ReadAllAsync(leaving.Token).ConfigureAwait(false)) yield return response;
        }
        finally
        {
            await leaving.CancelAsync().ConfigureAwait(false);
            await queued.Done.ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _requests.CompleteAdding();
    }

    private void Run(WorkerJob job, Context context, ChannelWriter<WorkerEvent> events, TaskCompletionSource ended)
    {
        try
        {
            runner.Run(job, context);
            events.Complete();
        }
        catch (Exception error)
        {
            events.Complete(error);
        }
        finally
        {
            _requests.CompleteAdding();
            while (_requests.TryTake(out QueuedReply? left)) left.Complete(new OperationCanceledException(Ended));
            ended.SetResult();
        }
    }

    private void Enqueue(QueuedReply queued, CancellationToken stop)
    {
        try
        {
            _requests.Add(queued, stop);
        }
        catch (InvalidOperationException ended)
        {
            throw new OperationCanceledException(Ended, ended);
        }
    }

    private void Write<T>(ChannelWriter<T> writer, T value, CancellationToken stop)
    {
        Interlocked.Increment(ref _heartbeat);
        while (!writer.TryWrite(value))
            if (!writer.WaitToWriteAsync(stop).AsTask().GetAwaiter().GetResult()) throw new OperationCanceledException(stop);
    }

    private sealed class QueuedReply(ReplyRequest request, ChannelWriter<ChatResponse> responses)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ReplyRequest Request => request;

        public Task Done => _done.Task;

        public void Complete(Exception? error = null)
        {
            responses.TryComplete(error);
            _done.TrySetResult();
        }
    }

    private sealed class Context(JobHost host, ChannelWriter<WorkerEvent> events, CancellationToken leaving) : IJobContext
    {
        public CancellationToken Stop => host._stop.Token;

        public bool Discard => host.Discard;

        public void Publish(WorkerEvent workerEvent) => host.Write(events, workerEvent, leaving);

        public void Report(WorkerSample sample, bool hasWorked)
        {
            if (hasWorked) Interlocked.Increment(ref host._heartbeat);
            events.TryWrite(new WorkerEvent { Sample = sample });
        }

        public void Serve(Action<ReplyRequest> answer)
        {
            while (TryTake(out QueuedReply? queued)) Answer(queued, answer);
        }

        public void AnswerWaiting(Action<ReplyRequest> answer)
        {
            for (int waiting = host._requests.Count; waiting > 0 && host._requests.TryTake(out QueuedReply? queued); waiting--) Answer(queued, answer);
        }

        private static void Answer(QueuedReply queued, Action<ReplyRequest> answer)
        {
            try
            {
                answer(queued.Request);
                queued.Complete();
            }
            catch (Exception error)
            {
                // One reply that cannot be made is its caller's matter; the job goes on.
                queued.Complete(error);
            }
        }

        private bool TryTake([NotNullWhen(true)] out QueuedReply? queued)
        {
            try
            {
                queued = host._requests.Take(Stop);
                return true;
            }
            catch (Exception ended) when (ended is OperationCanceledException or InvalidOperationException)
            {
                queued = null;
                return false;
            }
        }
    }
}
