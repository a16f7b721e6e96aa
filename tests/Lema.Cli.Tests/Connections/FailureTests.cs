using System.Net.Sockets;
using Grpc.Core;
using Lema.Protocol.Client;

namespace Lema.Cli.Tests.Connections;

/// <summary>A line that broke is told apart from an address where nobody is.</summary>
public sealed class FailureTests
{
    public static TheoryData<Exception> Breaks { get; } =
    [
        new HttpRequestException(HttpRequestError.ResponseEnded, "gone", new HttpIOException(HttpRequestError.ResponseEnded)),
        new HttpRequestException("gone", new IOException("Broken pipe", new SocketException((int)SocketError.Shutdown))),
        new HttpProtocolException(2, "The HTTP/2 server closed the connection.", null),
    ];

    [Theory]
    [MemberData(nameof(Breaks))]
    public void From_ALineThatBroke_SaysThat(Exception cause) =>
        Assert.Equal("The line to the daemon broke.", Failure.From(new RpcException(new Status(StatusCode.Unavailable, "Error reading next message.", cause))).Message);

    [Fact]
    public void From_NobodyListens_SaysWhatToCheck()
    {
        HttpRequestException cause = new(HttpRequestError.ConnectionError, "Connection refused (127.0.0.1:9)", new SocketException((int)SocketError.ConnectionRefused));

        Failure failure = Failure.From(new RpcException(new Status(StatusCode.Unavailable, "Error connecting.", cause)));

        Assert.Equal(FailureKind.Unreachable, failure.Kind);
        Assert.StartsWith("The daemon cannot be reached: Connection refused", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Who was impatient: this side with the daemon, or the daemon with this side.</summary>
    [Theory]
    [InlineData("", FailureKind.Unreachable, "The daemon did not answer in time; it may be busy. Try again.")]
    [InlineData("Deadline Exceeded", FailureKind.Unreachable, "The daemon did not answer in time; it may be busy. Try again.")]
    [InlineData("Nothing came. Send the rest.", FailureKind.Failed, "Nothing came. Send the rest.")]
    public void From_ADeadline_SaysWhose(string detail, FailureKind kind, string message)
    {
        Failure failure = Failure.From(new RpcException(new Status(StatusCode.DeadlineExceeded, detail)));
        Assert.Equal((kind, message), (failure.Kind, failure.Message));
    }
}
