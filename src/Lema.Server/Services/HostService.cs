using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lema.Engine.Models;
using Lema.Protocol.V1;
using Lema.Server.Hosting;
using Lema.Server.Jobs;
using Lema.Server.Monitoring;
using Lema.Server.Security;
using Lema.Server.Storage;

namespace Lema.Server.Services;

/// <summary>The machine and the daemon, for clients. Made for each call.</summary>
internal sealed class HostService(DaemonIdentity identity, DataFolder data, MemoryLedger memory, WorkerJobs workers) : Protocol.V1.Host.HostBase
{
    private static readonly string[] Capabilities = ["training.pause", "training.resume", "chat", "merge", "evaluation", "uploads.resumable"];

    public override Task<HostInfo> GetHostInfo(GetHostInfoRequest request, ServerCallContext context)
    {
        Principal caller = Principal.Of(context);
        HostInfo info = new()
        {
            Version = DaemonIdentity.Version,
            HostName = Environment.MachineName,
            OperatingSystem = System.Runtime.InteropServices.RuntimeInformation.OSDescription,
            Processor = ProcessorName(),
            ProcessorCount = Environment.ProcessorCount,
            MemoryBytes = MachineCounters.Read().MemoryTotalBytes,
            MemoryAvailableBytes = memory.FreeBytes,
            DiskFreeBytes = new DriveInfo(data.Root).AvailableFreeSpace,
            Started = Timestamp.FromDateTimeOffset(identity.Started),
            Role = caller.Role,
            TokenName = caller.Name,
            InstanceId = identity.InstanceId,
        };
        info.Capabilities.AddRange(Capabilities);
        info.ModelFamilies.AddRange(ModelFamilies.Names);
        info.Reservations.AddRange(memory.Reservations.Select(r => new MemoryReservation { Job = r.Job, Bytes = r.Bytes }));
        return Task.FromResult(info);
    }

    public override async Task<DiagnoseResponse> Diagnose(DiagnoseRequest request, ServerCallContext context)
    {
        DiagnoseResponse? diagnosis = null;
        await workers.RunAsync("diagnosis", new WorkerJob { Diagnose = new DiagnoseJob { Folder = data.Uploads } }, JobMemory.ForDiagnosis(), next =>
        {
            if (next.KindCase == WorkerEvent.KindOneofCase.Diagnosis) diagnosis = next.Diagnosis;
            return Task.CompletedTask;
        }, context.CancellationToken);
        return diagnosis ?? throw new InvalidOperationException("The worker ended without a diagnosis.");
    }

    private static string ProcessorName() => !File.Exists("/proc/cpuinfo") ? "" : File.ReadLines("/proc/cpuinfo")
        .Where(line => line.StartsWith("model name", StringComparison.Ordinal)).Select(line => line[(line.IndexOf(':') + 1)..].Trim()).FirstOrDefault("");
}
