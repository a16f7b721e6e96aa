namespace Lema.Cli.Rendering;

/// <summary>A series as one line of block characters, scaled between its own extremes.</summary>
internal static class Sparkline
{
    private const string Levels = "▁▂▃▄▅▆▇█";

    /// <param name="values">Oldest first; values that are not finite are left out.</param>
    /// <param name="width">Characters at the most; each stands for the mean of its share of the series.</param>
    public static string Draw(IReadOnlyList<double> values, int width)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        if (finite.Length == 0 || width <= 0) return "";
        double[] means = Resample(finite, Math.Min(width, finite.Length));
        double low = means.Min();
        double span = means.Max() - low;
        return string.Concat(means.Select(v => Levels[span == 0 ? 0 : (int)Math.Min(Levels.Length - 1, (v - low) / span * Levels.Length)]));
    }

    /// <summary>The means of <paramref name="count"/> equal shares of a series.</summary>
    internal static double[] Resample(double[] values, int count)
    {
        double[] means = new double[count];
        for (int i = 0; i < count; i++)
        {
            int from = (int)((long)i * values.Length / count);
            int to = Math.Max(from + 1, (int)((long)(i + 1) * values.Length / count));
            means[i] = values.AsSpan(from, to - from).ToArray().Average();
        }
        return means;
    }
}
