namespace Lema.Web.ViewModels;

/// <summary>Names of a run's curves, as the daemon calls them.</summary>
public static class SeriesNames
{
    public const string Loss = "loss";
    public const string LearningRate = "learning_rate";
    public const string GradNorm = "grad_norm";
    public const string TokensPerSecond = "tokens_per_second";
    public const string StepSeconds = "step_seconds";
    public const string StallSeconds = "stall_seconds";
    public const string DiskBytes = "disk_bytes";
    public const string PeakRssBytes = "peak_rss_bytes";
    public const string EvaluationLoss = "evaluation_loss";
    public const string ValidFormatShare = "valid_format_share";
    public const string RightAnswerShare = "right_answer_share";

    public static readonly IReadOnlyList<string> All =
    [
        Loss, LearningRate, GradNorm, TokensPerSecond, StepSeconds, StallSeconds, DiskBytes, PeakRssBytes, EvaluationLoss, ValidFormatShare, RightAnswerShare,
    ];
}
