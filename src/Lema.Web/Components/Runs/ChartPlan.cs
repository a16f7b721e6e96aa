using Lema.Web.ViewModels;

namespace Lema.Web.Components.Runs;

/// <summary>Which curves share a chart of the run's page, and how they are drawn.</summary>
/// <param name="Names">Curves, in the order of their colours.</param>
/// <param name="Unit">As <see cref="Charts.LineChart.YUnit"/>.</param>
/// <param name="Always">Shown also while there is no point.</param>
internal sealed record ChartPlan(string Title, string[] Names, string Unit = "", bool ZeroBased = false, bool Smooth = false, bool Always = true)
{
    public static ChartPlan[] OfRun { get; } =
    [
        new("Loss", [SeriesNames.Loss, SeriesNames.EvaluationLoss], Smooth: true),
        new("Learning rate", [SeriesNames.LearningRate], ZeroBased: true),
        new("Gradient norm", [SeriesNames.GradNorm], ZeroBased: true, Smooth: true),
        new("Tokens per second", [SeriesNames.TokensPerSecond], ZeroBased: true, Smooth: true),
        new("Seconds a step", [SeriesNames.StepSeconds, SeriesNames.StallSeconds], "seconds", ZeroBased: true, Smooth: true),
        new("Read from disk a step", [SeriesNames.DiskBytes], "bytes", ZeroBased: true, Always: false),
        new("Peak memory", [SeriesNames.PeakRssBytes], "bytes", ZeroBased: true, Always: false),
        new("Replies of evaluations", [SeriesNames.ValidFormatShare, SeriesNames.RightAnswerShare], "share", ZeroBased: true, Always: false),
    ];

    /// <summary>Curves with a point an evaluation.</summary>
    public static bool IsSparse(string series) => series is SeriesNames.EvaluationLoss or SeriesNames.ValidFormatShare or SeriesNames.RightAnswerShare;

    public static string LabelOf(string series) => series switch
    {
        SeriesNames.Loss => "Training",
        SeriesNames.EvaluationLoss => "Evaluation",
        SeriesNames.StepSeconds => "Step",
        SeriesNames.StallSeconds => "Waited for weights",
        SeriesNames.ValidFormatShare => "Valid format",
        SeriesNames.RightAnswerShare => "Right answer",
        SeriesNames.LearningRate => "Learning rate",
        SeriesNames.GradNorm => "Gradient norm",
        SeriesNames.TokensPerSecond => "Tokens per second",
        SeriesNames.DiskBytes => "Read from disk",
        SeriesNames.PeakRssBytes => "Peak memory",
        _ => series,
    };
}
