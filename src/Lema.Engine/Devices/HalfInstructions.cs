using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>Whether this processor multiplies 16-bit floating-point numbers itself.</summary>
internal static class HalfInstructions
{
    // CPUID leaf 7: subleaf 0 in EDX, subleaf 1 in EAX (Intel SDM, volume 2A).
    private const int AmxBFloat16 = 1 << 22, Avx512Float16 = 1 << 23, Avx512BFloat16 = 1 << 5, AmxFloat16 = 1 << 21;

    private static readonly bool s_bfloat16 = Has(AmxBFloat16, Avx512BFloat16), s_float16 = Has(Avx512Float16, AmxFloat16);

    public static bool Multiply(torch.ScalarType type) => type switch
    {
        torch.ScalarType.BFloat16 => s_bfloat16,
        torch.ScalarType.Float16 => s_float16,
        _ => false,
    };

    private static bool Has(int features, int moreFeatures)
    {
        // The system has to save the wide registers too, which is what this asks beside the instructions.
        if (!Avx512F.IsSupported || X86Base.CpuId(0, 0).Eax < 7) return false;
        return (X86Base.CpuId(7, 0).Edx & features) != 0 || (X86Base.CpuId(7, 1).Eax & moreFeatures) != 0;
    }
}
