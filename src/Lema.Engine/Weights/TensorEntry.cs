using TorchSharp;

namespace Lema.Engine.Weights;

/// <summary>Where one tensor of a model lies on disk.</summary>
/// <param name="Name">Its key in the .safetensors header.</param>
/// <param name="File">Full path of the file that holds it.</param>
/// <param name="Offset">Absolute byte offset of its data in that file.</param>
/// <param name="ByteCount">Bytes of its data.</param>
/// <param name="Type">Element type as stored.</param>
/// <param name="Shape">Dimensions, outermost first.</param>
public sealed record TensorEntry(string Name, string File, long Offset, long ByteCount, torch.ScalarType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Bytes of one row (one index of the outermost dimension); the whole tensor for a scalar.</summary>
    public long RowByteCount => Shape.Count == 0 || Shape[0] == 0 ? ByteCount : ByteCount / Shape[0];
}
