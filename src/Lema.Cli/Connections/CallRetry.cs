using System.Net.Sockets;
using Grpc.Core;
using Lema.Cli.Hosts;
using Lema.Protocol.Client;
using Polly;
using Polly.Retry;

namespace Lema.Cli.Connections;

/// <summary>How calls that may safely be made twice survive a broken line: they are tried again, with growing pauses, for some minutes.</summary>
internal static class CallRetry
{
    private const int Attempts = 20;

    /// <summary>For the middle of a transfer: a refused connection is tried again too, since a daemon was there.</summary>
    /// <param name="note">Told when the line breaks, and when it is there again.</param>
    public static ResiliencePipeline InTransfer(Action<string> note) => Create(note, (error, _) => ValueTask.FromResult(Failure.IsTransient(error)));

    /// <summary>For a first answer that the user waits for: where no daemon can be at the address, there is nothing to wait for.</summary>
    /// <param name="note">Told when the line breaks, and when it is there again.</param>
    public static ResiliencePipeline ForFirstAnswer(Action<string> note, HostEntry host) => Create(note, async (error, cancellation) =>
        Failure.IsTransient(error) && !IsRefused(error) && await HostFailure.WrongProtocolAsync(host, cancellation) is null);

    private static ResiliencePipeline Create(Action<string> note, Func<RpcException, CancellationToken, ValueTask<bool>> mayPass)
    {
        BrokenLine line = new(note, TimeProvider.System);
        return new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = async attempt =>
            {
                if (attempt.Outcome.Exception is null) line.Answered();
                return attempt.Outcome.Exception is RpcException error && await mayPass(error, attempt.Context.CancellationToken);
            },
            MaxRetryAttempts = Attempts,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(250),
            MaxDelay = TimeSpan.FromSeconds(15),
            UseJitter = true,
            OnRetry = retry =>
            {
                line.Broke(Failure.From((RpcException)retry.Outcome.Exception!).Message, retry.Duration);
                return ValueTask.CompletedTask;
            },
        }).Build();
    }

    /// <summary>Whether the call never reached a daemon: nobody listens there, the name is unknown, or the certificate is another one.</summary>
    private static bool IsRefused(RpcException error)
    {
        for (Exception? cause = error.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException or System.Security.Authentication.AuthenticationException) return true;
        }
        return false;
    }
}
