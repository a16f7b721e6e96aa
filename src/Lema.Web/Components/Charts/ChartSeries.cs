using Lema.Web.ViewModels;

namespace Lema.Web.Components.Charts;

/// <summary>One line of a chart.</summary>
/// <param name="Id">Unique in the chart.</param>
/// <param name="Label">For the legend and the hover box; plain text.</param>
/// <param name="Color">A CSS variable, such as <c>--series-1</c>.</param>
/// <param name="Curve">The points.</param>
/// <param name="Dash">Drawn dashed.</param>
/// <param name="Sparse">Few points, each a measurement of its own, such as an evaluation: dotted where there is room, and never smoothed.</param>
public sealed record ChartSeries(string Id, string Label, string Color, Curve Curve, bool Dash = false, bool Sparse = false)
{
    /// <summary>The colour of the n-th line, from 0; they repeat after eight.</summary>
    public static string ColorOf(int index) => $"--series-{(index % 8) + 1}";
}

/// <summary>The part of the axis in view, in units of the axis.</summary>
public sealed record ZoomWindow(double From, double To);
