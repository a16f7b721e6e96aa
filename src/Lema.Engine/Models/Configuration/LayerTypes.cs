namespace Lema.Engine.Models.Configuration;

/// <summary>Which blocks attend within a sliding window.</summary>
public static class LayerTypes
{
    public const string Full = "full_attention", Sliding = "sliding_attention";

    /// <summary>One entry a block, from <c>layer_types</c> or the family's rule where it is absent.</summary>
    /// <param name="otherwise">The rule: block -> type.</param>
    /// <param name="supported">Types that the family implements.</param>
    public static string[] Read(ConfigReader config, Func<int, string> otherwise, params string[] supported)
    {
        int blocks = config.PositiveInt("num_hidden_layers");
        string[] types = config.Texts("layer_types");
        if (types.Length == 0) return [.. Enumerable.Range(0, Math.Min(blocks, 100_000)).Select(otherwise)];
        if (types.Length != blocks) config.Problem("layer_types", $"has {types.Length} entries for {blocks} layers.");
        foreach (string unknown in types.Except(supported)) config.Problem("layer_types", $"'{unknown}' is not implemented; supported: {string.Join(", ", supported)}.");
        return types;
    }

    /// <summary><c>sliding_window</c>: null is none, and the family's default stands where the field is absent.</summary>
    public static int? Window(ConfigReader config, int? byDefault) => config.OptionalInt("sliding_window") ?? (config.Keys.Contains("sliding_window") ? null : byDefault);

    /// <summary>Window of each block where Qwen's and SmolLM3's configs have one: only with <c>use_sliding_window</c>.</summary>
    /// <param name="byDefault">The window where the field is absent.</param>
    /// <param name="slidesByDefault">Which blocks slide where <c>layer_types</c> is absent.</param>
    public static int?[] OptionalWindows(ConfigReader config, int? byDefault, Func<int, bool> slidesByDefault)
    {
        int? window = Window(config, byDefault);
        bool used = config.Flag("use_sliding_window", false) && window is not null;
        return [.. Read(config, block => used && slidesByDefault(block) ? Sliding : Full, Full, Sliding).Select(type => used && type == Sliding ? window : null)];
    }
}
