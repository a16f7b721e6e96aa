namespace Lema.Engine.Models.Configuration;

/// <summary>Angles of a rotary embedding: head dimension pair j of a token at position p turns by p * frequency[j].</summary>
/// <param name="Dimensions">How many dimensions of a head turn, even.</param>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Scaling">How they are stretched for contexts longer than the model was trained on.</param>
public sealed record RotarySettings(int Dimensions, double Theta, RotaryScaling Scaling)
{
    /// <summary>Factor of both cosine and sine, so that scores grow by its square; 1 unless the scaling is yarn.</summary>
    public double AttentionFactor => Scaling.AttentionFactor;

    /// <summary>[Dimensions / 2] radians a position, in float32 as the reference computes them.</summary>
    public float[] Frequencies()
    {
        float[] plain = new float[Dimensions / 2];
        for (int j = 0; j < plain.Length; j++) plain[j] = 1f / MathF.Pow((float)Theta, 2f * j / Dimensions);
        return Scaling.Apply(plain, this);
    }
}

/// <summary>One way of scaling rotary frequencies.</summary>
public abstract record RotaryScaling
{
    public virtual double AttentionFactor => 1;

    public abstract float[] Apply(float[] frequencies, RotarySettings rotary);
}

public sealed record NoScaling : RotaryScaling
{
    public override float[] Apply(float[] frequencies, RotarySettings rotary) => frequencies;
}

/// <summary>Position interpolation (Chen et al. 2023): every frequency divided by the factor.</summary>
public sealed record LinearScaling(double Factor) : RotaryScaling
{
    public override float[] Apply(float[] frequencies, RotarySettings rotary) => [.. frequencies.Select(f => f / (float)Factor)];
}

/// <summary>Llama 3.1's scaling: long wavelengths divided by the factor, short ones kept, a smooth passage between.</summary>
public sealed record Llama3Scaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalPositions) : RotaryScaling
{
    public override float[] Apply(float[] frequencies, RotarySettings rotary)
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

    public override float[] Apply(float[] frequencies, RotarySettings rotary)
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
