using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using Google.Rpc;
using Grpc.Core;

namespace Lema.Protocol.Client;

/// <summary>What kind of failure a call ended with, in the terms a user acts on.</summary>
public enum FailureKind { Failed, NotFound, Unreachable, NotAllowed, InvalidInput, DoesNotFit, Cancelled }

/// <param name="Field">The place: a key, a line, a file; empty for the request as a whole.</param>
public sealed record FieldProblem(string Field, string Problem);

/// <summary>A failed call, told to people.</summary>
/// <param name="Message">What is wrong, where, and the remedy. Plain text; may hold text that came from a user.</param>
/// <param name="Problems">Each problem of an invalid input.</param>
/// <param name="RequiredBytes">With <see cref="FailureKind.DoesNotFit"/>: the least budget that would do.</param>
public sealed record Failure(FailureKind Kind, string Message, IReadOnlyList<FieldProblem> Problems, long? RequiredBytes)
{
    /// <summary>The domain of google.rpc.ErrorInfo that a daemon sets.</summary>
    public const string ErrorDomain = "lema";

    /// <summary>ErrorInfo reason of a job that does not fit its memory budget; metadata <c>requiredBytes</c> and <c>budgetBytes</c>.</summary>
    public const string BudgetReason = "BUDGET_EXCEEDED";

    /// <summary>What the channel says of every call that ended before its answer, whoever ended it.</summary>
    private const string CancelledByChannel = "Call canceled by the client.";

    /// <summary>What grpc-dotnet says at the daemon's side of a call whose client's deadline is over.</summary>
    private const string DeadlineOfThisSide = "Deadline Exceeded";

    public static Failure From(RpcException error)
    {
        Google.Rpc.Status? status = error.GetRpcStatus();
        ErrorInfo? info = status?.GetDetail<ErrorInfo>();
        FieldProblem[] problems = [.. status?.GetDetail<BadRequest>()?.FieldViolations.Select(v => new FieldProblem(v.Field, v.Description)) ?? []];
        long? required = info is { Reason: BudgetReason } && info.Metadata.TryGetValue("requiredBytes", out string? bytes)
            ? long.Parse(bytes, CultureInfo.InvariantCulture) : null;
        FailureKind kind = required is not null ? FailureKind.DoesNotFit : NeverArrived(error) ? FailureKind.Unreachable : KindOf(error.StatusCode);
        return new Failure(kind, MessageOf(error, kind), problems, required);
    }

    /// <summary>The certificate that a call was refused for; null when it was not.</summary>
    public static UntrustedCertificateException? UntrustedCertificateOf(RpcException error) =>
        error.Status.DebugException is { } cause ? Innermost(cause) as UntrustedCertificateException : null;

    /// <summary>Whether the same call may succeed when it is made again.</summary>
    public static bool IsTransient(RpcException error) => error.StatusCode switch
    {
        _ when error.Status.DebugException is { } cause && Innermost(cause) is AuthenticationException => false,
        StatusCode.Unavailable or StatusCode.Aborted or StatusCode.DeadlineExceeded or StatusCode.Internal => true,
        StatusCode.Cancelled or StatusCode.Unknown => true,
        _ => false,
    };

    /// <summary>The connection could not be made, or was refused for its certificate.</summary>
    private static bool NeverArrived(RpcException error) => error.Status.DebugException is HttpRequestException || NeverAnswered(error);

    /// <summary>
    /// The patience of this side ended, noticed here or there: a handshake that takes too long ends as a cancellation of which nobody tells a reason. A daemon whose own patience
    /// with a client ended says so.
    /// </summary>
    private static bool NeverAnswered(RpcException error) => error.StatusCode switch
    {
        StatusCode.DeadlineExceeded => error.Status.Detail is "" or DeadlineOfThisSide,
        StatusCode.Cancelled => error.Status.Detail.Length == 0,
        _ => false,
    };

    private static FailureKind KindOf(StatusCode code) => code switch
    {
        StatusCode.NotFound => FailureKind.NotFound,
        StatusCode.Unavailable => FailureKind.Unreachable,
        StatusCode.Unauthenticated or StatusCode.PermissionDenied => FailureKind.NotAllowed,
        StatusCode.InvalidArgument => FailureKind.InvalidInput,
        StatusCode.Cancelled => FailureKind.Cancelled,
        _ => FailureKind.Failed,
    };

    private static string MessageOf(RpcException error, FailureKind kind) => kind switch
    {
        FailureKind.Unreachable when UntrustedCertificateOf(error) is { } untrusted => untrusted.Message,
        _ when NeverAnswered(error) => "The daemon did not answer in time; it may be busy. Try again.",
        _ when Broke(error.Status.DebugException) => "The line to the daemon broke.",
        FailureKind.Unreachable when error.Status.DebugException is { } cause =>
            $"The daemon cannot be reached: {Sentence(NearestToSocket(cause).Message)} Check that lema-server runs there, the address and the port.",
        FailureKind.NotAllowed when error.StatusCode == StatusCode.Unauthenticated && error.Status.Detail.Length == 0 =>
            "The daemon does not know this token. Name its token file with --token-file or LEMA_TOKEN_FILE.",
        FailureKind.Cancelled when error.Status.Detail == CancelledByChannel => "The call was broken off.",
        _ => error.Status.Detail,
    };

    /// <summary>Whether the line was there before: then there is nothing to check about the address.</summary>
    private static bool Broke(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError } or SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown }) return true;
        }
        return false;
    }

    /// <summary>The exception that names the address too, where there is one: a socket's own says only what went wrong.</summary>
    private static Exception NearestToSocket(Exception error)
    {
        while (error.InnerException is { } inner && inner is not SocketException) error = inner;
        return error;
    }

    private static string Sentence(string text) => text.EndsWith('.') ? text : text + ".";

    private static Exception Innermost(Exception error)
    {
        while (error.InnerException is { } inner) error = inner;
        return error;
    }
}
