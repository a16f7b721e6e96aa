namespace Lema.Engine.Merging;

public enum MergeDtype
{
    /// <summary>Each tensor in its base type, the float32 sum rounded once, to nearest even.</summary>
    Base,

    /// <summary>Every floating-point tensor in float32.</summary>
    Float32,
}

/// <param name="Dtype">Type of the merged weights.</param>
/// <param name="ShardBytes">Largest .safetensors file; more weights become several files with an index.</param>
public sealed record MergeOptions(MergeDtype Dtype = MergeDtype.Base, long ShardBytes = 5_000_000_000);

/// <param name="WeightBytes">Bytes of all tensors.</param>
/// <param name="AdaptedTensors">Tensors that differ from the base's, rounding aside.</param>
public sealed record MergedModel(string Folder, long WeightBytes, int AdaptedTensors);
