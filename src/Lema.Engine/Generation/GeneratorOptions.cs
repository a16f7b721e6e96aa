namespace Lema.Engine.Generation;

/// <summary>Bounds of the memory that generation uses beside the weights.</summary>
public sealed record GeneratorOptions
{
    /// <summary>Keys, values and logits of all open replies together. One reply is always admitted.</summary>
    public long StateBytes { get; init; } = 512L << 20;

    /// <summary>Replies that are open at one time.</summary>
    public int OpenReplies { get; init; } = 256;

    /// <summary>Tokens whose activations exist at one time: more go through a layer in turns while it is on the device.</summary>
    public int TokensAtOnce { get; init; } = 2048;
}
