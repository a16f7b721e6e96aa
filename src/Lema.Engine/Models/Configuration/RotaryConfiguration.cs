namespace Lema.Engine.Models.Configuration;

/// <summary>Reads rotary settings in both layouts: <c>rope_parameters</c> (transformers 5) and <c>rope_theta</c> + <c>rope_scaling</c> (before).</summary>
public static class RotaryConfiguration
{
    /// <param name="layerType">Key within <c>rope_parameters</c> where it holds one object for each layer type; null otherwise.</param>
    /// <param name="oldThetaKey">Where the old layout keeps theta for this layer type.</param>
    /// <param name="oldScaling">Whether the old layout's <c>rope_scaling</c> applies to this layer type.</param>
    public static RotarySettings Read(
        ConfigReader config, int headDimensions, double defaultTheta, string? layerType = null, string oldThetaKey = "rope_theta", bool oldScaling = true)
    {
        ConfigReader? parameters = config.Section("rope_parameters");
        if (layerType is not null && parameters is not null) parameters = parameters.Section(layerType) ?? parameters;
        ConfigReader? scaling = config.Section("rope_scaling");
        if (!oldScaling && parameters is null) scaling = null;
        ConfigReader? source = parameters ?? scaling;

        double topTheta = config.PositiveNumber(oldThetaKey, defaultTheta);
        double theta = source?.PositiveNumber("rope_theta", topTheta) ?? topTheta;
        double topPartial = config.PositiveNumber("partial_rotary_factor", 1);
        double partial = source?.PositiveNumber("partial_rotary_factor", topPartial) ?? topPartial;
        int dimensions = (int)(headDimensions * partial);
        if (dimensions % 2 != 0 || dimensions > headDimensions || dimensions == 0)
            config.Problem("partial_rotary_factor", $"turns {dimensions} of {headDimensions} head dimensions; it has to be an even number of them.");
        return new(dimensions, theta, source is null ? new NoScaling() : Scaling(source, config));
    }

    private static RotaryScaling Scaling(ConfigReader source, ConfigReader config)
    {
        string type = source.Text("rope_type", source.Text("type", "default"));
        int positions = config.PositiveInt("max_position_embeddings", 2048);
        RotaryScaling scaling = type switch
        {
            "default" => new NoScaling(),
            "linear" => new LinearScaling(source.PositiveNumber("factor")),
            "llama3" => new Llama3Scaling(source.PositiveNumber("factor"), source.PositiveNumber("low_freq_factor"), source.PositiveNumber("high_freq_factor"),
                source.PositiveInt("original_max_position_embeddings", config.PositiveInt("original_max_position_embeddings", positions))),
            "yarn" => Yarn(source, config, positions),
            _ => Unknown(source, type),
        };
        source.RejectUnread(HarmlessFields.Rotary);
        return scaling;
    }

    private static YarnScaling Yarn(ConfigReader source, ConfigReader config, int positions)
    {
        double factor = source.PositiveNumber("factor");
        double attention = source.OptionalNumber("attention_factor")
            ?? (source.OptionalNumber("mscale") is { } scale && source.OptionalNumber("mscale_all_dim") is { } all
                ? YarnScaling.DefaultAttention(factor, scale) / YarnScaling.DefaultAttention(factor, all)
                : YarnScaling.DefaultAttention(factor));
        return new(factor, source.PositiveInt("original_max_position_embeddings", config.PositiveInt("original_max_position_embeddings", positions)),
            source.PositiveNumber("beta_fast", 32), source.PositiveNumber("beta_slow", 1), attention, source.Flag("truncate", true));
    }

    private static NoScaling Unknown(ConfigReader source, string type)
    {
        source.Problem("rope_type", $"is '{type}', which is not implemented; supported: default, linear, llama3, yarn.");
        return new();
    }
}
