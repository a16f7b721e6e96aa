using Lema.Engine.Devices;
using TorchSharp;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>
/// Products of two matrices, or of two batches of them, of one type. Where the processor cannot multiply a 16-bit type, the library does it in plain loops, up to fifty times slower
/// than in float32: there <see cref="WidenedProduct"/> takes over.
/// </summary>
internal static class MatrixProduct
{
    /// <summary>Bytes of temporary tensors beside operands and output.</summary>
    public static long TemporaryBytes(ScalarType type) => Widens(type) ? WidenedProduct.TemporaryBytes : 0;

    /// <summary>[n, k] x [k, m] -> [n, m], or [batch, n, k] x [batch, k, m] -> [batch, n, m]. Sums are float32, rounded once.</summary>
    public static Tensor Multiply(Tensor left, Tensor right) => Widens(left) ? WidenedProduct.Multiply(left, right) : left.matmul(right);

    /// <summary>The same, added in place to <paramref name="addend"/> [n, m] before the one rounding.</summary>
    public static Tensor MultiplyAdd(Tensor addend, Tensor left, Tensor right) =>
        Widens(left) ? WidenedProduct.MultiplyAdd(addend, left, right) : addend.addmm_(left, right, 1, 1);

    private static bool Widens(Tensor operand) => operand.device_type == DeviceType.CPU && Widens(operand.dtype);

    private static bool Widens(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 && !HalfInstructions.Multiply(type);
}
