namespace Lema.Engine.Models.Configuration;

/// <summary>Angles of a rotary embedding: head dimension pair j of a token at position p turns by p * frequency[j].</summary>
/// <param name="Dimensions">How many dimensions of a head turn, even.</param>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Scaling">How they are stretched for contexts longer than the model was trained on.</param>
public sealed record RotarySettings(int Dimensions, double Theta, RotaryScaling Scaling)
{
    /// <summary>Factor of both cosine and sine, so that scores grow by its square; 1 for most kinds of scaling.</summary>
    public double AttentionFactor => Scaling.AttentionFactor;

    /// <summary>[Dimensions / 2] radians a position, in float32 as the reference computes them.</summary>
    /// <param name="length">Positions of the longest sequence that is computed with them.</param>
    public float[] Frequencies(int length) => Scaling.Apply(Plain(Theta), this, length);

    /// <summary>Frequencies without scaling: base ^ (-2 j / dimensions).</summary>
    internal float[] Plain(double theta) => [.. Enumerable.Range(0, Dimensions / 2).Select(j => 1f / MathF.Pow((float)theta, 2f * j / Dimensions))];
}

/// <summary>One way of scaling rotary frequencies.</summary>
public abstract record RotaryScaling
{
    public virtual double AttentionFactor => 1;

    /// <summary>Sequences of this many positions have the same frequencies as shorter ones of the same kind; 0 where length does not matter.</summary>
    public virtual int Kind(int length) => 0;

    public abstract float[] Apply(float[] frequencies, RotarySettings rotary, int length);
}

public sealed record NoScaling : RotaryScaling
{
    public override float[] Apply(float[] frequencies, RotarySettings rotary, int length) => frequencies;
}

/// <summary>Position interpolation (Chen et al. 2023): every frequency divided by the factor.</summary>
public sealed record LinearScaling(double Factor) : RotaryScaling
{
    public override float[] Apply(float[] frequencies, RotarySettings rotary, int length) => [.. frequencies.Select(f => f / (float)Factor)];
}

/// <summary>Llama 3.1's scaling: long wavelengths divided by the factor, short ones kept, a smooth passage between.</summary>
public sealed record Llama3Scaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalPositions) : RotaryScaling
{
    public override float[] Apply(float[] frequencies, RotarySettings rotary, int length)
    {
        double longest = OriginalPositions / LowFrequencyFactor, shortest = OriginalPositions / HighFrequencyFactor;
        return [.. frequencies.Select(f =>
        {
            double wavelength = 2 * Math.PI / f;
            if (wavelength > longest) return (float)(f / Factor);
            if (wavelength < shortest) return f;
            double smooth = (OriginalPositions / wavelength - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
            return (float)((1 - smooth) * f / Factor + smooth * f);
        })];
    }
}

/// <summary>YaRN (Peng et al. 2023): a ramp over the dimensions from interpolated (slow) to kept (fast) frequencies.</summary>
/// <param name="Truncate">Round the ends of the ramp to whole dimensions.</param>
public sealed record YarnScaling(double Factor, int OriginalPositions, double BetaFast, double BetaSlow, double Attention, bool Truncate) : RotaryScaling
{
    public override double AttentionFactor => Attention;

    /// <summary>The published default of the attention factor for a scaling factor, 0.1 * mscale * ln(factor) + 1.</summary>
    public static double DefaultAttention(double factor, double scale = 1) => factor <= 1 ? 1 : 0.1 * scale * Math.Log(factor) + 1;

    public override float[] Apply(float[] frequencies, RotarySettings rotary, int length)
    {
        double Dimension(double turns) =>
            rotary.Dimensions * Math.Log(OriginalPositions / (turns * 2 * Math.PI)) / (2 * Math.Log(rotary.Theta));
        double low = Dimension(BetaFast), high = Dimension(BetaSlow);
        if (Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, rotary.Dimensions - 1));
        if (low == high) high += 0.001;
        return [.. frequencies.Select((f, j) =>
        {
            double interpolated = Math.Clamp((j - low) / (high - low), 0, 1);
            return (float)(f / Factor * interpolated + f * (1 - interpolated));
        })];
    }
}

/// <summary>Dynamic NTK (emozilla 2023): a larger base for sequences beyond the positions that the model knows.</summary>
public sealed record DynamicScaling(double Factor, int Positions) : RotaryScaling
{
    public override int Kind(int length) => Math.Max(0, length - Positions);

    public override float[] Apply(float[] frequencies, RotarySettings rotary, int length)
    {
        if (length <= Positions) return frequencies;
        double stretch = Factor * length / Positions - (Factor - 1);
        return rotary.Plain(rotary.Theta * Math.Pow(stretch, rotary.Dimensions / (rotary.Dimensions - 2.0)));
    }
}

/// <summary>LongRoPE (Ding et al. 2024): a divisor for each frequency, of one list up to the original length and of another beyond it.</summary>
public sealed record LongScaling(IReadOnlyList<double> Short, IReadOnlyList<double> Long, int OriginalPositions, double Attention) : RotaryScaling
{
    public override double AttentionFactor => Attention;

    /// <summary>The published default, sqrt(1 + ln(factor) / ln(original)).</summary>
    public static double DefaultAttention(double factor, int original) => factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(original));

    public override int Kind(int length) => length > OriginalPositions ? 1 : 0;

    public override float[] Apply(float[] frequencies, RotarySettings rotary, int length)
    {
        IReadOnlyList<double> factors = length > OriginalPositions ? Long : Short;
        return [.. frequencies.Select((frequency, j) => 1f / ((float)factors[j] * MathF.Pow((float)rotary.Theta, 2f * j / rotary.Dimensions)))];
    }
}
