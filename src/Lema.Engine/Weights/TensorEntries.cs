using Lema.Engine.Errors;
using TorchSharp;

namespace Lema.Engine.Weights;

/// <summary>Places of the tensors of one file.</summary>
internal static class TensorEntries
{
    public static IEnumerable<TensorEntry> Of(SafetensorsHeader header) => header.Tensors.Select(tensor =>
        new TensorEntry(tensor.Name, header.File, header.DataOffset + tensor.Begin, tensor.ByteCount, TypeOf(header.File, tensor), tensor.Shape));

    public static torch.ScalarType TypeOf(string file, SafetensorsTensor tensor) =>
        SafetensorsDtype.ScalarTypeOf(tensor.Dtype) ?? throw new InvalidInputException(file, $"tensor {Quoted.Name(tensor.Name)}",
            $"dtype {tensor.Dtype} cannot be computed with; convert the model to BF16, F16 or F32");
}
