namespace Lema.Engine.Models.Configuration;

/// <summary>Reads rotary settings in both layouts: <c>rope_parameters</c> (transformers 5) and <c>rope_theta</c> + <c>rope_scaling</c> (before).</summary>
public static class RotaryConfiguration
{
    /// <param name="layerType">Key within <c>rope_parameters</c> where it holds one object for each layer type; null otherwise.</param>
    /// <param name="oldThetaKey">Where the old layout keeps theta for this layer type.</param>
    /// <param name="oldScaling">Whether the old layout's <c>rope_scaling</c> applies to this layer type.</param>
    /// <param name="partial">The family can turn a part of each head only.</param>
    /// <param name="read">Names of scaling that the family gives another meaning to; null: they mean what they say.</param>
    public static RotarySettings Read(
        ConfigReader config, int headDimensions, double defaultTheta, string? layerType = null, string oldThetaKey = "rope_theta", bool oldScaling = true,
        bool partial = false, Func<string, string>? read = null)
    {
        ConfigReader? parameters = config.Section("rope_parameters"), scaling = config.Section("rope_scaling");
        if (layerType is not null && parameters is not null) parameters = parameters.Section(layerType) ?? parameters;
        // transformers lets a rope_scaling that is there replace rope_parameters
        ConfigReader? source = oldScaling && scaling is not null && scaling.Keys.Any() ? scaling : parameters;

        double topTheta = config.PositiveNumber(oldThetaKey, defaultTheta);
        double theta = source?.PositiveNumber("rope_theta", topTheta) ?? topTheta;
        int dimensions = (int)(headDimensions * Share(config, source, partial));
        if (dimensions % 2 != 0 || dimensions > headDimensions || dimensions == 0)
            config.Problem("partial_rotary_factor", $"turns {dimensions} of {headDimensions} head dimensions; it has to be an even number of them.");
        return new(dimensions, theta, source is null ? new NoScaling() : Scaling(source, config, dimensions, read));
    }

    private static double Share(ConfigReader config, ConfigReader? source, bool partial)
    {
        if (!partial)
        {
            config.MustBe("partial_rotary_factor", 1);
            source?.MustBe("partial_rotary_factor", 1);
            return 1;
        }
        double top = config.PositiveNumber("partial_rotary_factor", 1);
        return source?.PositiveNumber("partial_rotary_factor", top) ?? top;
    }

    private static RotaryScaling Scaling(ConfigReader source, ConfigReader config, int dimensions, Func<string, string>? read)
    {
        string named = source.Text("rope_type", source.Text("type", "default")), type = read?.Invoke(named) ?? named;
        int positions = config.PositiveInt("max_position_embeddings", 2048);
        int Original() => config.OptionalInt("original_max_position_embeddings") ?? source.PositiveInt("original_max_position_embeddings", positions);
        RotaryScaling scaling = type switch
        {
            "default" => new NoScaling(),
            "linear" => new LinearScaling(source.PositiveNumber("factor")),
            "dynamic" => new DynamicScaling(source.PositiveNumber("factor"), positions),
            "llama3" => new Llama3Scaling(source.PositiveNumber("factor"), source.PositiveNumber("low_freq_factor"), source.PositiveNumber("high_freq_factor"), Original()),
            "yarn" => Yarn(source, positions, Original()),
            "longrope" => Long(source, positions, Original(), dimensions),
            _ => Unknown(source, type),
        };
        // Written beside any type by some publishers, read by those that need it.
        _ = source.Has("original_max_position_embeddings");
        source.RejectUnread(HarmlessFields.Rotary);
        return scaling;
    }

    private static YarnScaling Yarn(ConfigReader source, int positions, int original)
    {
        double factor = source.OptionalNumber("factor") ?? (double)positions / original;
        double scale = source.AnyNumber("mscale", 0), all = source.AnyNumber("mscale_all_dim", 0);
        double attention = source.OptionalNumber("attention_factor")
            ?? (scale != 0 && all != 0 ? YarnScaling.DefaultAttention(factor, scale) / YarnScaling.DefaultAttention(factor, all) : YarnScaling.DefaultAttention(factor));
        return new(factor, original, source.PositiveNumber("beta_fast", 32), source.PositiveNumber("beta_slow", 1), attention, source.Flag("truncate", true));
    }

    private static LongScaling Long(ConfigReader source, int positions, int original, int dimensions)
    {
        double factor = source.OptionalNumber("factor") ?? (double)positions / original;
        double attention = source.OptionalNumber("attention_factor") ?? LongScaling.DefaultAttention(factor, original);
        double[] Factors(string key)
        {
            double[] values = source.Numbers(key);
            if (values.Length == dimensions / 2 && values.All(value => value > 0)) return values;
            source.Problem(key, $"has {values.Length} entries; it needs {dimensions / 2} numbers above 0, one for each pair of head dimensions.");
            return [.. Enumerable.Repeat(1.0, dimensions / 2)];
        }
        return new(Factors("short_factor"), Factors("long_factor"), original, attention);
    }

    private static NoScaling Unknown(ConfigReader source, string type)
    {
        source.Problem("rope_type", $"is '{type}', which is not implemented; supported: default, linear, dynamic, llama3, yarn, longrope.");
        return new();
    }
}
