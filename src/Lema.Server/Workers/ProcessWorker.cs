using System.Diagnostics;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Lema.Protocol.V1;

namespace Lema.Server.Workers;

/// <summary>A worker process and the channel to it. Disposing it closes its standard input, on which it ends, and kills it when it does not.</summary>
internal sealed class ProcessWorker : IEngineWorker
{
    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly GrpcChannel _channel;
    private readonly Worker.WorkerClient _client;
    private readonly string _socket;
    private readonly WorkerGroup? _group;
    private readonly Action _onEnded;

    public ProcessWorker(Process process, string socket, WorkerGroup? group, Action onEnded)
    {
        _process = process;
        _socket = socket;
        _group = group;
        _onEnded = onEnded;
        _channel = WorkerChannel.Open(socket);
        _client = new Worker.WorkerClient(_channel);
    }

    public int? ProcessId => _process.Id;

    public async IAsyncEnumerable<WorkerEvent> ExecuteAsync(WorkerJob job, [EnumeratorCancellation] CancellationToken stop)
    {
        using AsyncServerStreamingCall<WorkerEvent> call = _client.Execute(job, cancellationToken: stop);
        await foreach (WorkerEvent next in Explained(call.ResponseStream.ReadAllAsync(stop)).ConfigureAwait(false)) yield return next;
    }

    public async Task StopJobAsync(bool discard, CancellationToken stop) => await _client.StopJobAsync(new StopJobRequest { Discard = discard }, cancellationToken: stop);

    public async IAsyncEnumerable<ChatResponse> GenerateAsync(GenerateRepliesRequest request, [EnumeratorCancellation] CancellationToken stop)
    {
        using AsyncServerStreamingCall<ChatResponse> call = _client.GenerateReplies(request, cancellationToken: stop);
        await foreach (ChatResponse next in Explained(call.ResponseStream.ReadAllAsync(stop)).ConfigureAwait(false)) yield return next;
    }

    public async Task<PingResponse> PingAsync(CancellationToken stop) => await _client.PingAsync(new PingRequest(), cancellationToken: stop);

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        _process.StandardInput.Close();
        using CancellationTokenSource late = new(EndsWithin);
        try
        {
            await _process.WaitForExitAsync(late.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
        _process.Dispose();
        _group?.Remove();
        File.Delete(_socket);
        _onEnded();
    }

    /// <summary>Why the process has ended in the middle of its job.</summary>
    public Exception WhyEnded(int exitCode, Exception? inner = null) => _group?.OverLimit() ?? (Exception)new WorkerDiedException(exitCode, inner);

    /// <summary>A stream that breaks because the process has ended says so, with its exit code.</summary>
    private async IAsyncEnumerable<T> Explained<T>(IAsyncEnumerable<T> source)
    {
        await using IAsyncEnumerator<T> items = source.GetAsyncEnumerator();
        while (true)
        {
            try
            {
                if (!await items.MoveNextAsync().ConfigureAwait(false)) yield break;
            }
            catch (RpcException error) when (error.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled)
            {
                if (await ExitCodeAsync().ConfigureAwait(false) is { } exitCode) throw WhyEnded(exitCode, error);
                throw;
            }
            yield return items.Current;
        }
    }

    private async Task<int?> ExitCodeAsync()
    {
        using CancellationTokenSource soon = new(TimeSpan.FromSeconds(1));
        try
        {
            await _process.WaitForExitAsync(soon.Token).ConfigureAwait(false);
            return _process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
