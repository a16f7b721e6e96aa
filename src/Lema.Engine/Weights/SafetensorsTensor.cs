namespace Lema.Engine.Weights;

/// <summary>One tensor as a .safetensors header describes it.</summary>
/// <param name="Name">Its key. Untrusted text: never a path, escaped wherever it is shown.</param>
/// <param name="Dtype">Element type by its name in the format, such as <c>BF16</c>.</param>
/// <param name="Shape">Dimensions, outermost first; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the start of the data section.</param>
/// <param name="End">One past the last byte.</param>
public sealed record SafetensorsTensor(string Name, string Dtype, IReadOnlyList<long> Shape, long Begin, long End)
{
    public long ByteCount => End - Begin;
}
