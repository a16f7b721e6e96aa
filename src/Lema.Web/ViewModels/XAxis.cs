namespace Lema.Web.ViewModels;

/// <summary>What a curve is drawn over.</summary>
public enum XAxis
{
    Step,
    Time,
    Tokens,
}

public static class XAxisExtensions
{
    public static double Of(this XAxis axis, in CurvePoint point) => axis switch
    {
        XAxis.Time => point.Seconds,
        XAxis.Tokens => point.Tokens,
        _ => point.Step,
    };

    /// <summary>The unit the chart writes ticks in.</summary>
    public static string Unit(this XAxis axis) => axis is XAxis.Time ? "seconds" : "";

    public static string Caption(this XAxis axis) => axis switch
    {
        XAxis.Time => "Time",
        XAxis.Tokens => "Tokens",
        _ => "Step",
    };
}
