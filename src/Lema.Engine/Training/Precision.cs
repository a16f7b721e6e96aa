using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>The arithmetic of the frozen model. LoRA parameters, moments and accumulators are float32 in every case.</summary>
public enum Precision { Fp32, Bf16, Fp16 }

public static class PrecisionExtensions
{
    /// <summary>The type of weights and activations while they are computed with.</summary>
    public static ScalarType ComputeType(this Precision precision) => precision switch
    {
        Precision.Bf16 => ScalarType.BFloat16,
        Precision.Fp16 => ScalarType.Float16,
        _ => ScalarType.Float32,
    };
}
