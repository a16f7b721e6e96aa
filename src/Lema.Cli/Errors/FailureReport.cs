using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Grpc.Core;
using Lema.Cli.Rendering;
using Lema.Cli.RunFiles;
using Lema.Protocol.Client;

namespace Lema.Cli.Errors;

/// <summary>What the user reads when a command fails, and the exit code that goes with it.</summary>
internal sealed record FailureReport(int ExitCode, string Problem, IReadOnlyList<string> Remedies)
{
    private static readonly FailureReport Interrupted = new(Errors.ExitCode.Interrupted, "", []);

    /// <param name="interrupted">Whether the user pressed Ctrl-C, so that a cancellation is no failure.</param>
    /// <returns>False when the failure is a defect of this program.</returns>
    public static bool TryCreate(Exception failure, bool interrupted, [NotNullWhen(true)] out FailureReport? report)
    {
        report = failure switch
        {
            // A Ctrl-C at a terminal also ends what this program has started, a private daemon or ssh: calls to it then fail as unavailable.
            OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled or StatusCode.Unavailable } when interrupted => Interrupted,
            CliException known => new FailureReport(known.ExitCode, known.Message, known.Remedies),
            RunFileException invalid => new FailureReport(Errors.ExitCode.InvalidInput, invalid.Message, []),
            DaemonOptionsException options => new FailureReport(Errors.ExitCode.NotAllowed, options.Message, []),
            RpcException remote => FromCall(remote),
            HttpRequestException or SocketException => new FailureReport(Errors.ExitCode.Unreachable, failure.Message, []),
            IOException when FullDisk.IsCauseOf(failure) => new FailureReport(Errors.ExitCode.Failed, failure.Message, ["Free some space there, or name another place."]),
            IOException or UnauthorizedAccessException => new FailureReport(Errors.ExitCode.Failed, failure.Message, []),
            _ => null,
        };
        return report is not null;
    }

    public static int ExitCodeOf(FailureKind kind) => kind switch
    {
        FailureKind.NotFound => Errors.ExitCode.NotFound,
        FailureKind.Unreachable => Errors.ExitCode.Unreachable,
        FailureKind.NotAllowed => Errors.ExitCode.NotAllowed,
        FailureKind.InvalidInput => Errors.ExitCode.InvalidInput,
        FailureKind.DoesNotFit => Errors.ExitCode.OverBudget,
        _ => Errors.ExitCode.Failed,
    };

    public void Write(TextWriter error)
    {
        if (Problem.Length > 0) error.WriteLine($"error: {SafeText.Of(Problem)}");
        foreach (string remedy in Remedies) error.WriteLine($"  {SafeText.Of(remedy)}");
    }

    private static FailureReport FromCall(RpcException remote)
    {
        if (remote.StatusCode == StatusCode.Unimplemented)
        {
            return new FailureReport(Errors.ExitCode.Failed, "The daemon does not know this call; it is of another version.", ["Compare the versions with 'lema-remote host check'."]);
        }
        Failure failure = Failure.From(remote);
        string problem = failure.Message.Length > 0 ? failure.Message : $"The daemon answered {remote.StatusCode}.";
        string[] fields = [.. failure.Problems.Where(p => !problem.Contains(p.Problem, StringComparison.Ordinal)).Select(p => p.Field.Length == 0 ? p.Problem : $"{p.Field}: {p.Problem}")];
        return new FailureReport(ExitCodeOf(failure.Kind), problem, [.. fields, .. Hints(remote.StatusCode)]);
    }

    private static IEnumerable<string> Hints(StatusCode code)
    {
        if (code == StatusCode.Unavailable) yield return "'lema-remote host check' says what is wrong.";
    }
}
