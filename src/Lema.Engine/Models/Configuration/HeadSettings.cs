namespace Lema.Engine.Models.Configuration;

/// <summary>Attention heads: query heads share key heads in groups of Count / KeyCount.</summary>
/// <param name="Width">Features of one head.</param>
public sealed record HeadSettings(int Count, int KeyCount, int Width)
{
    public long QueryFeatures => (long)Count * Width;

    public long KeyFeatures => (long)KeyCount * Width;

    /// <summary>num_attention_heads, num_key_value_heads, head_dim with the defaults of most families.</summary>
    /// <param name="defaultWidth">The family's own default of head_dim; null: hidden_size / heads.</param>
    /// <param name="defaultKeys">The family's own default of num_key_value_heads where the field is absent; null: as many as heads.</param>
    public static HeadSettings Read(ConfigReader config, int? defaultWidth = null, int? defaultKeys = null)
    {
        int hidden = config.PositiveInt("hidden_size"), count = config.PositiveInt("num_attention_heads");
        int keys = config.PositiveInt("num_key_value_heads", config.Keys.Contains("num_key_value_heads") ? count : defaultKeys ?? count);
        int? width = config.OptionalInt("head_dim") ?? defaultWidth;
        if (count % keys != 0) config.Problem("num_key_value_heads", $"is {keys}, which does not divide the {count} attention heads.");
        if (width is null && hidden % count != 0) config.Problem("num_attention_heads", $"is {count}, which does not divide hidden_size {hidden}.");
        if ((width ?? hidden / count) % 2 != 0) config.Problem("head_dim", $"is {width ?? hidden / count}; rotary positions need an even number.");
        return new(count, keys, width ?? hidden / count);
    }
}
