using System.Globalization;
using System.Text.Json.Nodes;

namespace Lema.Cli.RunFiles;

/// <summary>
/// Numbers that a key of the run file takes, so that a figure out of range is told together with mistyped keys, and by editors. The daemon has
/// the last word.
/// </summary>
internal sealed record RunFileRange(double Least, double Most = double.PositiveInfinity, bool LeastIncluded = true, bool MostIncluded = true)
{
    private static readonly RunFileRange Positive = new(0, LeastIncluded: false);
    private static readonly RunFileRange NotNegative = new(0);
    private static readonly RunFileRange BelowOne = new(0, 1, MostIncluded: false);
    private static readonly RunFileRange Rows = new(1, 65_536);

    private static readonly Dictionary<string, RunFileRange> Known = new(StringComparer.Ordinal)
    {
        ["steps"] = new(1),
        ["epochs"] = new(0, 1_000_000, LeastIncluded: false),
        ["microBatchSize"] = Rows,
        ["gradientAccumulation"] = Rows,
        ["maxLength"] = new(2, 1 << 24),
        ["learningRate"] = new(0, 100, LeastIncluded: false),
        ["warmupSteps"] = NotNegative,
        ["weightDecay"] = new(0, 1),
        ["adamBeta1"] = BelowOne,
        ["adamBeta2"] = BelowOne,
        ["adamEpsilon"] = new(0, 1, LeastIncluded: false),
        ["clipGradNorm"] = NotNegative,
        ["lora.r"] = Rows,
        ["lora.alpha"] = Positive,
        ["lora.dropout"] = BelowOne,
        ["memory.weightBytes"] = Positive,
        ["memory.totalBytes"] = Positive,
        ["memory.deviceBytes"] = Positive,
        ["checkpoint.everySteps"] = NotNegative,
        ["checkpoint.keepLast"] = new(1),
        ["evaluation.everySteps"] = NotNegative,
        ["evaluation.rows"] = NotNegative,
    };

    /// <summary>The range of a key; null where every value of its type will do.</summary>
    public static RunFileRange? Of(string key) => Known.GetValueOrDefault(key);

    /// <summary>What is wrong with a value; null when it lies within.</summary>
    public string? Problem(JsonNode value)
    {
        double number = value.GetValue<object>() switch { long whole => whole, double real => real, _ => double.NaN };
        bool high = LeastIncluded ? number >= Least : number > Least, low = MostIncluded ? number <= Most : number < Most;
        return high && low ? null : $"{value.ToJsonString()} is not {this}";
    }

    /// <summary>Adds the bounds to a JSON schema.</summary>
    public void AddTo(JsonObject schema)
    {
        schema[LeastIncluded ? "minimum" : "exclusiveMinimum"] = Least;
        if (double.IsFinite(Most)) schema[MostIncluded ? "maximum" : "exclusiveMaximum"] = Most;
    }

    public override string ToString()
    {
        string least = (LeastIncluded ? "at least " : "more than ") + Text(Least);
        return double.IsFinite(Most) ? $"{least} and {(MostIncluded ? "at most " : "less than ")}{Text(Most)}" : least;
    }

    private static string Text(double bound) => bound.ToString("#,0", CultureInfo.InvariantCulture);
}
