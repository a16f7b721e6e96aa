using Lema.Server.Monitoring;
using Lema.Server.Runs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Lema.Server.Hosting;

/// <summary>OpenTelemetry: metrics for the Prometheus page, and metrics and traces to a collector where OTEL_EXPORTER_OTLP_ENDPOINT names one.</summary>
internal static class DaemonTelemetry
{
    public const string MetricsPath = "/metrics";

    /// <summary>The OTEL_ variables, which OpenTelemetry reads from the configuration.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Settings() =>
        Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value)).Where(variable => variable.Key.StartsWith("OTEL_", StringComparison.Ordinal));

    public static void AddLemaTelemetry(this IServiceCollection services)
    {
        services.AddSingleton<DaemonMetrics>();
        bool hasCollector = Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 };
        services.AddOpenTelemetry()
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(DaemonMetrics.MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime");
                metrics.AddPrometheusExporter();
                if (hasCollector) metrics.AddOtlpExporter();
            })
            .WithTracing(traces =>
            {
                if (hasCollector) traces.AddAspNetCoreInstrumentation().AddOtlpExporter();
            });
    }

    public static void MapLemaTelemetry(this WebApplication app)
    {
        app.Services.GetRequiredService<DaemonMetrics>().ObserveRuns(app.Services.GetRequiredService<RunStore>());
        app.MapPrometheusScrapingEndpoint(MetricsPath);
    }
}
