using Lema.Protocol.V1;

namespace Lema.Web.Conversations;

/// <summary>How replies are drawn; bound to a form.</summary>
public sealed class ChatOptions
{
    public string SystemPrompt { get; set; } = "";

    /// <summary>0: always the likeliest token.</summary>
    public double Temperature { get; set; }

    public double TopP { get; set; } = 1;

    /// <summary>0: no limit.</summary>
    public int TopK { get; set; }

    public double MinP { get; set; }

    public double RepetitionPenalty { get; set; } = 1;

    public int MaxTokens { get; set; } = 256;

    /// <summary>Null: another one each time.</summary>
    public long? Seed { get; set; }

    public SamplingSettings ToSampling()
    {
        SamplingSettings sampling = new()
        {
            Temperature = Temperature, TopP = TopP, TopK = TopK, MinP = MinP, RepetitionPenalty = RepetitionPenalty, MaxTokens = MaxTokens,
        };
        if (Seed is { } seed) sampling.Seed = seed;
        return sampling;
    }
}
