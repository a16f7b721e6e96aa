using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.RunCommands;

/// <summary>Runs beside each other.</summary>
internal sealed class RunCompareCommand : LemaCommand
{
    private const int ChartHeight = 12;
    private const int WidestChart = 120;
    private const int MostPoints = 400;

    private readonly Argument<string[]> _runs = new("RUN") { Description = "Names or ids of two or more runs.", Arity = new ArgumentArity(2, 32) };

    public RunCompareCommand() : base("compare", "The settings that differ, the results, and the loss curves.", "lema-remote run compare first second") => Add(_runs);

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        List<RunDetail> details = [];
        List<Curve> curves = [];
        foreach (string run in call.Get(_runs))
        {
            RunDetail detail = await host.Training.GetRunAsync(new GetRunRequest { Run = run }, cancellationToken: cancellation);
            GetMetricsRequest wanted = new() { Run = run, MaxPoints = MostPoints, Series = { "loss" } };
            GetMetricsResponse metrics = await host.Training.GetMetricsAsync(wanted, cancellationToken: cancellation);
            details.Add(detail);
            curves.AddRange(metrics.Series.Select(s => new Curve(detail.Summary.Name, [.. s.Steps.Zip(s.Values, (step, loss) => ((double)step, loss))])));
            if (!call.Output.Json) continue;
            call.Output.WriteJson(detail);
            call.Output.WriteJson(metrics);
        }
        if (call.Output.Json) return ExitCode.Done;
        RunComparison.Of(details).Write(call.Output.Text);
        LineChart.Write(call.Output.Text, curves, Math.Min(call.Output.Width, WidestChart), ChartHeight);
        return ExitCode.Done;
    }
}
