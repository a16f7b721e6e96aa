using Lema.Engine.Devices;
using Lema.Engine.Errors;
using TorchSharp;

namespace Lema.Engine.Weights;

/// <summary>Conversion of stored tensors to float16, piece by piece, with a count of what does not survive it.</summary>
internal sealed class HalfConversion
{
    private static readonly torch.ScalarType[] Convertible = [torch.ScalarType.Float32, torch.ScalarType.BFloat16, torch.ScalarType.Float64];

    /// <summary>Values that became zero.</summary>
    public long Underflowed { get; private set; }

    public static bool AppliesTo(TensorEntry tensor) => Convertible.Contains(tensor.Type);

    /// <param name="source">Whole elements of the tensor's stored type.</param>
    /// <param name="writer">Receives the converted values.</param>
    /// <exception cref="InvalidInputException">A finite value is beyond the range of float16.</exception>
    public void Convert(TensorEntry tensor, ReadOnlySpan<byte> source, SafetensorsWriter writer)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        torch.Tensor stored = TensorMemory.Copy(source, tensor.Type);
        torch.Tensor half = stored.to(torch.ScalarType.Float16);
        long overflowed = (half.isinf() & stored.isfinite()).sum().item<long>();
        if (overflowed > 0)
        {
            throw new InvalidInputException(tensor.File, $"tensor {Quoted.Name(tensor.Name)}",
                $"{overflowed} values are beyond the range of float16; keep the stored type, or train in bf16 or fp32");
        }
        Underflowed += (half.eq(0) & stored.ne(0)).sum().item<long>();
        writer.Write(TensorMemory.Bytes(half));
    }
}
