namespace Lema.Server.Runs;

/// <summary>
/// Largest-triangle-three-buckets: chooses the points of a curve that keep its shape, first and last among them (Steinarsson, "Downsampling Time Series for Visual
/// Representation", 2013).
/// </summary>
public static class DownSampling
{
    /// <param name="xs">Abscissae, rising.</param>
    /// <param name="ys">Ordinates; those that are not finite are never preferred.</param>
    /// <param name="count">Points wanted, at least 2.</param>
    /// <returns>Rising indices into the curve: all of them when there are no more than <paramref name="count"/>.</returns>
    public static int[] Choose(ReadOnlySpan<double> xs, ReadOnlySpan<double> ys, int count)
    {
        if (xs.Length != ys.Length) throw new ArgumentException("A curve has as many abscissae as ordinates.", nameof(ys));
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        if (xs.Length <= count) return [.. Enumerable.Range(0, xs.Length)];

        int[] chosen = new int[count];
        double bucketSize = (xs.Length - 2) / (double)(count - 2);
        int previous = 0;
        for (int bucket = 0; bucket < count - 2; bucket++)
        {
            int first = 1 + (int)(bucket * bucketSize), end = 1 + (int)((bucket + 1) * bucketSize);
            int nextEnd = bucket == count - 3 ? xs.Length : Math.Min(xs.Length - 1, 1 + (int)((bucket + 2) * bucketSize));
            (double meanX, double meanY) = Mean(xs[end..nextEnd], ys[end..nextEnd]);
            int best = first;
            double bestArea = -1;
            for (int i = first; i < end; i++)
            {
                double area = Math.Abs((xs[previous] - meanX) * (ys[i] - ys[previous]) - (xs[previous] - xs[i]) * (meanY - ys[previous]));
                if (area > bestArea) (best, bestArea) = (i, area);
            }
            previous = chosen[bucket + 1] = best;
        }
        chosen[^1] = xs.Length - 1;
        return chosen;
    }

    private static (double X, double Y) Mean(ReadOnlySpan<double> xs, ReadOnlySpan<double> ys)
    {
        double sumX = 0, sumY = 0;
        int finite = 0;
        for (int i = 0; i < xs.Length; i++)
        {
            sumX += xs[i];
            if (!double.IsFinite(ys[i])) continue;
            sumY += ys[i];
            finite++;
        }
        return (sumX / xs.Length, finite == 0 ? 0 : sumY / finite);
    }
}
