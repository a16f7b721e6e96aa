using Lema.Server.Artifacts;
using Lema.Server.Datasets;
using Lema.Server.Jobs;
using Lema.Server.Models;
using Lema.Server.Monitoring;
using Lema.Server.Runs;
using Lema.Server.Security;
using Lema.Server.Services;
using Lema.Server.Storage;
using Lema.Server.Workers;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lema.Server.Hosting;

/// <summary>What the daemon is made of, in one place.</summary>
internal static class DaemonServices
{
    private const int LargestMessage = 4 << 20;

    public static void AddLema(this IServiceCollection services, DaemonOptions options, DataFolder data, RunDatabase database, DiskReserve reserve)
    {
        services.AddSingleton(options);
        services.AddSingleton(_ => data);
        services.AddSingleton(_ => database);
        services.AddSingleton(reserve);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(provider => DaemonIdentity.Read(database, provider.GetRequiredService<TimeProvider>()));

        services.AddSingleton<TokenStore>();
        services.AddSingleton<FailureLimiter>();
        services.AddSingleton(new AuditFiles(data.AuditLog));
        services.AddSingleton(provider => new AuditLog(provider.GetRequiredService<AuditFiles>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<AuditLog>>()));

        services.AddSingleton(new ModelRoots(options.ModelRoots));
        services.AddSingleton<ModelRegistry>();
        services.AddSingleton<PreparationLocks>();
        services.AddSingleton<DatasetRegistry>();
        services.AddSingleton<DatasetInspection>();

        services.AddSingleton(provider => new WorkerGroups(ControlGroup.Own(), provider.GetRequiredService<ILogger<WorkerGroups>>()));
        services.AddSingleton<IEngineWorkerFactory, ProcessWorkerFactory>();
        services.AddSingleton<WorkerBoard>();
        services.AddSingleton(new MemoryLedger(options.MemoryBytes ?? MachineMemory.ForJobs()));
        services.AddSingleton<WorkerJobs>();
        services.AddSingleton<ChatManager>();
        services.AddSingleton<TargetResolver>();
        services.AddSingleton(JobStores.Exports(database));
        services.AddSingleton(JobStores.Evaluations(database));
        services.AddSingleton<MergeEnds>();
        services.AddSingleton<EvaluationEnds>();
        services.AddHosted<ExportManager>();
        services.AddHosted<EvaluationManager>();

        services.AddSingleton<RunStore>();
        services.AddSingleton<RunUses>();
        services.AddSingleton<RunsFeed>();
        services.AddSingleton<RunDirectory>();
        services.AddSingleton<RunJournal>();
        services.AddSingleton<AdapterFinder>();
        services.AddSingleton<RunCheckpoints>();
        services.AddSingleton<DiskSpace>();
        services.AddSingleton<RunJobs>();
        services.AddSingleton<RunQueue>();
        services.AddSingleton<RunAttempts>();
        services.AddSingleton<InterruptedRuns>();
        services.AddSingleton<RunRequests>();
        services.AddSingleton<RunManager>();
        services.AddSingleton<RunRemoval>();
        services.AddSingleton<RunEstimates>();
        services.AddHosted<RunScheduler>();
        services.AddHostedService<PrunedRuns>();
        services.AddHosted<HostSampler>();
        services.AddHostedService(SystemdNotifications.FromEnvironment);

        services.AddSingleton<ArtifactOwners>();
        services.AddSingleton<FileHashes>();
        services.AddSingleton<UploadStore>();
        services.AddSingleton<UploadCommit>();

        services.AddLemaTelemetry();
        services.AddSingleton<WatchLimits>();
        services.AddSingleton<PatientWriter>();
        services.AddSingleton<PatientReader>();
        services.AddSingleton<Watching>();
        services.AddSingleton<CallInterceptor>();
        services.AddGrpc(grpc =>
        {
            grpc.Interceptors.Add<CallInterceptor>();
            grpc.MaxReceiveMessageSize = LargestMessage;
        });
        services.AddGrpcReflection();
        services.AddGrpcHealthChecks().AddCheck("daemon", () => HealthCheckResult.Healthy());
    }

    public static void MapLema(this WebApplication app)
    {
        app.UseMiddleware<Authentication>();
        app.MapGrpcService<ModelsService>();
        app.MapGrpcService<DatasetsService>();
        app.MapGrpcService<TrainingService>();
        app.MapGrpcService<ChatService>();
        app.MapGrpcService<ExportsService>();
        app.MapGrpcService<EvaluationService>();
        app.MapGrpcService<ArtifactsService>();
        app.MapGrpcService<HostService>();
        app.MapGrpcService<TelemetryService>();
        app.MapGrpcReflectionService();
        app.MapGrpcHealthChecksService();
        app.MapLemaTelemetry();
        app.MapGet(Authentication.LivenessPath, () => "ok\n");
    }

    private static void AddHosted<T>(this IServiceCollection services) where T : class, IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
