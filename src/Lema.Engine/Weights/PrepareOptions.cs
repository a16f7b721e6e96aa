namespace Lema.Engine.Weights;

public sealed record PrepareOptions
{
    /// <summary>Store floating-point tensors as float16, for cards that compute in it. A value beyond its range (65,504) is refused.</summary>
    public bool ConvertToFp16 { get; init; }
}

/// <param name="Folder">Where the prepared model lies.</param>
/// <param name="Bytes">Bytes of its tensors.</param>
/// <param name="UnderflowedValues">Values that became zero when they were converted to float16.</param>
public sealed record PreparedModel(string Folder, long Bytes, long UnderflowedValues);
