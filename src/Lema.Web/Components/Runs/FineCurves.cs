using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Lema.Web.Components.Charts;
using Lema.Web.ViewModels;

namespace Lema.Web.Components.Runs;

/// <summary>The points of a part of a run's curves that the whole view leaves out.</summary>
internal static class FineCurves
{
    private const int MostPoints = 4_000;

    /// <param name="coarse">The curves as the whole view has them: they say which steps lie in the window.</param>
    /// <returns>Null where there is nothing finer to show, or the host does not answer: the coarse curve is right, only less fine.</returns>
    public static async Task<RunCurves?> AskAsync(DaemonConnection host, string run, RunCurves coarse, XAxis axis, ZoomWindow window, CancellationToken stop)
    {
        (long from, long to) = StepsIn(window, axis, coarse[SeriesNames.Loss].ReadFrom(CurvePosition.Start).Points);
        GetMetricsRequest request = new() { Run = run, FromStep = from, ToStep = to, MaxPoints = MostPoints };
        try
        {
            GetMetricsResponse answer = await host.Training.GetMetricsAsync(request, deadline: DaemonConnection.Soon, cancellationToken: stop);
            RunCurves fine = new();
            fine.Replace(answer.Series);
            return fine[SeriesNames.Loss].Count > 0 ? fine : null;
        }
        catch (RpcException)
        {
            return null;
        }
    }

    /// <summary>The steps whose place on the axis lies in the window, with one to either side; to 0: up to the last.</summary>
    private static (long From, long To) StepsIn(ZoomWindow window, XAxis axis, CurvePoint[] points)
    {
        long from = 1, to = 0;
        foreach (CurvePoint point in points)
        {
            double at = axis.Of(point);
            if (at < window.From) from = point.Step;
            if (at > window.To)
            {
                to = point.Step;
                break;
            }
        }
        return (Math.Max(1, from), to);
    }
}
