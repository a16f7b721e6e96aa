using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lema.Cli.Demo;

/// <summary>What the demo came to; shares are between 0 and 1, over the held-out questions.</summary>
internal sealed record DemoResult
{
    public string Kind { get; } = "demo";

    public required long Seed { get; init; }

    public required int HeldOutQuestions { get; init; }

    public required double BaseValidFormat { get; init; }

    public required double TunedValidFormat { get; init; }

    public required double HeldOutRightAnswer { get; init; }

    /// <summary>The same two over the model merged in the base's own type.</summary>
    public required double MergedValidFormat { get; init; }

    public required double MergedRightAnswer { get; init; }

    public required long Steps { get; init; }

    public required double TrainSeconds { get; init; }

    public required double Seconds { get; init; }

    /// <summary>Folder of the float32 merge.</summary>
    public required string MergedFolder { get; init; }

    /// <summary>Folder of the merge in the base's own type.</summary>
    public required string MergedBaseFolder { get; init; }

    /// <summary>Folder of the adapter that was trained.</summary>
    public required string AdapterFolder { get; init; }

    /// <summary>Of the float32 merge against base and adapter.</summary>
    public required double MergedMaxLogitDifference { get; init; }

    public required long ModelBytes { get; init; }

    public required long WeightBudgetBytes { get; init; }

    public required long StreamedBytes { get; init; }

    public required long PeakRssBytes { get; init; }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(DemoResult))]
internal sealed partial class DemoJson : JsonSerializerContext;
