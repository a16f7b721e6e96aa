using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands;

/// <summary>What a host is, what it can do, and what is wrong with it.</summary>
internal sealed class DoctorCommand : LemaCommand
{
    public DoctorCommand() : base("doctor", "What the host is, what it can do, measured disk and matrix speed, what is wrong and how to mend it. Takes some seconds.", "lema-remote doctor --host gpu01")
    {
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        HostInfo info = await host.Host.GetHostInfoAsync(new GetHostInfoRequest(), cancellationToken: cancellation);
        call.Output.Result(info, console => WriteInfo(console, info));
        call.Output.Note("Measuring...");
        DiagnoseResponse diagnosis = await host.Host.DiagnoseAsync(new DiagnoseRequest(), cancellationToken: cancellation);
        call.Output.Result(diagnosis, console => WriteDiagnosis(console, diagnosis));
        return diagnosis.Findings.Any(f => f.Severity == Diagnosis.Types.Severity.Error) ? ExitCode.Failed : ExitCode.Done;
    }

    private static void WriteInfo(IAnsiConsole console, HostInfo info)
    {
        PropertyList list = new();
        list.Add("host", info.HostName);
        list.Add("daemon", info.Version);
        list.Add("system", info.OperatingSystem);
        list.Add("processor", $"{info.Processor}, {info.ProcessorCount} processors");
        list.Add("memory", $"{Quantity.Bytes(info.MemoryBytes)}, {Quantity.Bytes(info.MemoryAvailableBytes)} not promised to jobs");
        list.Add("disk", $"{Quantity.Bytes(info.DiskFreeBytes)} free");
        foreach (Accelerator card in info.Accelerators) list.Add("accelerator", $"{card.Name}, {Quantity.Bytes(card.MemoryBytes)}, {Quantity.Bytes(card.MemoryFreeBytes)} free");
        if (info.Accelerators.Count == 0) list.Add("accelerator", "none");
        list.Add("families", string.Join(", ", info.ModelFamilies));
        list.Add("can do", string.Join(", ", info.Capabilities));
        list.Add("your token", $"{info.TokenName}, {info.Role.ToString().ToLowerInvariant()}");
        foreach (MemoryReservation reservation in info.Reservations) list.Add("reserved", $"{Quantity.Bytes(reservation.Bytes)} for {reservation.Job}");
        list.Write(console);
    }

    private static void WriteDiagnosis(IAnsiConsole console, DiagnoseResponse diagnosis)
    {
        PropertyList list = new();
        list.Add("disk", diagnosis.DiskBytesPerSecond > 0 ? Quantity.BytesPerSecond(diagnosis.DiskBytesPerSecond) : "not measured");
        list.Add("bf16 GEMM", $"{diagnosis.GemmBf16Flops / 1e9:0} GFLOP/s");
        list.Add("fp32 GEMM", $"{diagnosis.GemmFp32Flops / 1e9:0} GFLOP/s");
        list.Add("memory", Quantity.BytesPerSecond(diagnosis.MemoryBytesPerSecond));
        list.Write(console);
        PropertyList findings = new();
        foreach (Diagnosis finding in diagnosis.Findings)
        {
            findings.Add(finding.Severity switch { Diagnosis.Types.Severity.Ok => "ok", Diagnosis.Types.Severity.Warning => "warn", _ => "FAIL" }, $"{finding.Subject}: {finding.Finding}");
            if (finding.Remedy.Length > 0) findings.Add("", finding.Remedy);
        }
        findings.Write(console);
    }
}
