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

    /// <summary>Window of each block where Qwen's and SmolLM3's configs have one: only with <c>use_sliding_window</c>.</summary>
    /// <param name="slidesByDefault">Which blocks slide where <c>layer_types</c> is absent.</param>
    public static int?[] OptionalWindows(ConfigReader config, Func<int, bool> slidesByDefault)
    {
        bool used = config.Flag("use_sliding_window", false);
        int? window = config.OptionalInt("sliding_window");
        string[] types = Read(config, block => used && slidesByDefault(block) ? Sliding : Full, Full, Sliding);
        if (types.Contains(Sliding) && used && window is null) config.Problem("sliding_window", "is missing, but layers slide.");
        return [.. types.Select(type => used && type == Sliding ? window : null)];
    }
}
