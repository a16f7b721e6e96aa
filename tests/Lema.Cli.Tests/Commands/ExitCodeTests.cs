using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Lema.Cli.Errors;
using Lema.Cli.Tests.Fakes;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Status = Grpc.Core.Status;

namespace Lema.Cli.Tests.Commands;

public sealed class ExitCodeTests
{
    [Theory]
    [InlineData(StatusCode.NotFound, 3)]
    [InlineData(StatusCode.Unavailable, 4)]
    [InlineData(StatusCode.Unauthenticated, 5)]
    [InlineData(StatusCode.PermissionDenied, 5)]
    [InlineData(StatusCode.InvalidArgument, 6)]
    [InlineData(StatusCode.FailedPrecondition, 1)]
    [InlineData(StatusCode.Internal, 1)]
    [InlineData(StatusCode.Unimplemented, 1)]
    public async Task Run_FailedCall_HasTheExitCodeOfItsStatus(StatusCode status, int expected)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Calls.Failure = new RpcException(new Status(status, "what is wrong"));

        Assert.Equal(expected, await daemon.RunAsync(terminal, "run", "show", "first", "--format", "json"));

        Assert.StartsWith("error: ", terminal.Error, StringComparison.Ordinal);
        Assert.Equal("", terminal.Out);
    }

    /// <summary>A Ctrl-C reaches the daemon of a demo and an ssh tunnel too: the call may fail before it is cancelled.</summary>
    [Theory]
    [InlineData(StatusCode.Cancelled)]
    [InlineData(StatusCode.Unavailable)]
    public void TryCreate_CallThatFailsAfterCtrlC_IsInterrupted(StatusCode status)
    {
        Assert.True(FailureReport.TryCreate(new RpcException(new Status(status, "gone")), interrupted: true, out FailureReport? report));

        Assert.Equal(130, report.ExitCode);
        Assert.Equal("", report.Problem);
    }

    [Theory]
    [InlineData("run", "list")]
    [InlineData("doctor")]
    [InlineData("model", "prepare", "lema-tiny")]
    [InlineData("model", "upload", "mine", ".")]
    [InlineData("artifact", "download", "first", "-o", "here")]
    [InlineData("chat", "first", "--message", "hello")]
    [InlineData("eval", "first", "--dataset", "replies")]
    [InlineData("merge", "first")]
    [InlineData("estimate", "--model", "lema-tiny", "--dataset", "replies", "--set", "steps=1")]
    public async Task Run_CtrlC_IsInterruptedAndSaysNothing(params string[] command)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        terminal.WriteFile("config.json", "{}");
        terminal.Interrupts.Raise();

        Assert.Equal(130, await daemon.RunAsync(terminal, [.. command.Select(word => word is "." or "here" ? Path.Combine(terminal.Home, word) : word)]));

        Assert.DoesNotContain("error", terminal.Error, StringComparison.Ordinal);
        Assert.Equal("", terminal.Out);
    }

    [Fact]
    public async Task Run_InvalidDataset_IsSix()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Datasets.Validation = new ValidateDatasetResponse { Problems = { new DatasetProblem { Line = 2, Field = "completion", Problem = "is missing", IsError = true } }, ProblemCount = 1 };

        Assert.Equal(6, await daemon.RunAsync(terminal, "dataset", "validate", "replies"));

        Assert.Contains("error: line 2: completion: is missing", terminal.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Diagnosis.Types.Severity.Warning, 0)]
    [InlineData(Diagnosis.Types.Severity.Error, 1)]
    public async Task Run_DoctorFindsAnError_IsOne(Diagnosis.Types.Severity severity, int expected)
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        daemon.Host.Diagnosis = new DiagnoseResponse { Findings = { new Diagnosis { Severity = severity, Subject = "disk space", Finding = "nothing is free." } } };

        Assert.Equal(expected, await daemon.RunAsync(terminal, "doctor"));
    }

    [Fact]
    public async Task Run_OverBudget_IsSevenAndNamesTheFigure()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        ErrorInfo info = new() { Domain = Failure.ErrorDomain, Reason = Failure.BudgetReason, Metadata = { ["requiredBytes"] = "4000000", ["budgetBytes"] = "1000" } };
        daemon.Calls.Failure = new Google.Rpc.Status { Code = (int)Code.FailedPrecondition, Message = "memory.weightBytes needs 4,000,000 bytes", Details = { Any.Pack(info) } }.ToRpcException();

        Assert.Equal(7, await daemon.RunAsync(terminal, "train", "--model", "m", "--dataset", "d", "--set", "steps=1"));

        Assert.Contains("4,000,000", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_InvalidInput_ListsEveryProblem()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        BadRequest bad = new() { FieldViolations = { Violation("lora.r", "must be positive"), Violation("learningRate", "is no number") } };
        daemon.Calls.Failure = new Google.Rpc.Status { Code = (int)Code.InvalidArgument, Message = "The settings cannot be used.", Details = { Any.Pack(bad) } }.ToRpcException();

        Assert.Equal(6, await daemon.RunAsync(terminal, "train", "--model", "m", "--dataset", "d", "--set", "steps=1"));

        Assert.Equal("error: lora.r: must be positive\nlearningRate: is no number\n", terminal.Error);
    }

    [Fact]
    public async Task Run_InvalidInputToldInTheMessage_IsNotToldTwice()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        BadRequest bad = new() { FieldViolations = { Violation("steps", "settings: steps: 0 is too small.") } };
        daemon.Calls.Failure = new Google.Rpc.Status { Code = (int)Code.InvalidArgument, Message = "settings: steps: 0 is too small.", Details = { Any.Pack(bad) } }.ToRpcException();

        Assert.Equal(6, await daemon.RunAsync(terminal, "run", "show", "first"));

        Assert.Equal("error: settings: steps: 0 is too small.\n", terminal.Error);
    }

    [Fact]
    public async Task Run_TokenFile_IsSentAsBearerToken()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();
        string file = terminal.WriteFile("token", "s3cret\n");
        terminal.Variables["LEMA_TOKEN_FILE"] = file;

        Assert.Equal(0, await daemon.RunAsync(terminal, "run", "list"));

        Assert.Equal([("ListRuns", "Bearer s3cret")], daemon.Calls.All);
    }

    [Fact]
    public async Task Run_DeleteWithoutATerminal_NeedsYes()
    {
        await using FakeDaemon daemon = await FakeDaemon.StartAsync();
        using TestTerminal terminal = new();

        Assert.Equal(2, await daemon.RunAsync(terminal, "run", "delete", "first"));
        Assert.Equal(0, await daemon.RunAsync(terminal, "run", "delete", "first", "--yes"));

        Assert.Equal(["DeleteRun"], daemon.Calls.All.Select(c => c.Method));
    }

    private static BadRequest.Types.FieldViolation Violation(string field, string problem) => new() { Field = field, Description = problem };
}
