namespace Lema.Engine.Weights;

/// <summary>What a writer has to know of a tensor before its data: name, type by its name in the format, dimensions.</summary>
public sealed record SafetensorsSpec(string Name, string Dtype, IReadOnlyList<long> Shape)
{
    public long ByteCount => Shape.Aggregate(SafetensorsDtype.BitsOf(Dtype)!.Value / 8L, (bytes, dimension) => checked(bytes * dimension));
}
