using System.Net.Sockets;
using Grpc.Core;
using Lema.Protocol.Client;
using Polly;
using Polly.Retry;

namespace Lema.Cli.Connections;

/// <summary>How calls that may safely be made twice survive a broken line: they are tried again, with growing pauses, for some minutes.</summary>
internal static class CallRetry
{
    private const int Attempts = 20;

    /// <param name="note">Told before each further attempt.</param>
    /// <param name="refusedToo">Whether a refused connection is tried again too: right in the middle of a transfer, wrong where the user waits for a first answer.</param>
    public static ResiliencePipeline Create(Action<string> note, bool refusedToo) => new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
    {
        ShouldHandle = new PredicateBuilder().Handle<RpcException>(error => Failure.IsTransient(error) && (refusedToo || !IsRefused(error))),
        MaxRetryAttempts = Attempts,
        BackoffType = DelayBackoffType.Exponential,
        Delay = TimeSpan.FromMilliseconds(250),
        MaxDelay = TimeSpan.FromSeconds(15),
        UseJitter = true,
        OnRetry = retry =>
        {
            note($"{Failure.From((RpcException)retry.Outcome.Exception!).Message} Trying again in {retry.RetryDelay.TotalSeconds:0.0} s.");
            return ValueTask.CompletedTask;
        },
    }).Build();

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
