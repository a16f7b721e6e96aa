using Lema.Engine.Models.Sequences;

namespace Lema.Engine.Generation;

/// <summary>Bounds of the memory that generation uses beside the weights.</summary>
public sealed record GeneratorOptions
{
    /// <summary>Keys, values and logits of all open replies together. One reply is always admitted; what it has beyond this leaves the device chunk by chunk.</summary>
    public long StateBytes { get; init; } = 512L << 20;

    /// <summary>Where keys and values go that leave the host's memory; null: the system's folder for temporary files.</summary>
    public string? StateFolder { get; init; }

    /// <summary>Tokens of a chunk of keys and values.</summary>
    public int ChunkTokens { get; init; } = SequenceState.DefaultChunkTokens;

    /// <summary>Replies that are open at one time.</summary>
    public int OpenReplies { get; init; } = 256;

    /// <summary>Tokens whose activations exist at one time: more go through a layer in turns while it is on the device.</summary>
    public int TokensAtOnce { get; init; } = 2048;
}
