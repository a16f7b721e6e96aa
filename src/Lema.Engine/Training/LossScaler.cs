using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>
/// Dynamic loss scaling (Micikevicius et al. 2018) for float16, whose smallest numbers are too large for gradients: the loss is multiplied by a power of two, and a step
/// whose gradients overflow is skipped with half the scale. Other precisions keep a scale of 1.
/// </summary>
public sealed class LossScaler(Precision precision)
{
    private const double First = 65536, Largest = 1L << 24;
    private const int StepsBeforeGrowth = 2000;

    private readonly bool _scales = precision == Precision.Fp16;
    private int _goodSteps;

    public double Scale { get; private set; } = precision == Precision.Fp16 ? First : 1;

    /// <summary>Takes note of a step; false when its gradients overflowed and it has to be skipped.</summary>
    /// <param name="gradientNorm">Total norm of the unscaled gradients.</param>
    public bool Accepts(double gradientNorm)
    {
        if (!_scales) return true;
        if (!double.IsFinite(gradientNorm))
        {
            (Scale, _goodSteps) = (Math.Max(1, Scale / 2), 0);
            return false;
        }
        if (++_goodSteps == StepsBeforeGrowth) (Scale, _goodSteps) = (Math.Min(Largest, Scale * 2), 0);
        return true;
    }

    /// <summary>[scale, good steps since the last change], for checkpoints.</summary>
    public Tensor State => tensor(new[] { Scale, _goodSteps });

    public void Restore(Tensor state) => (Scale, _goodSteps) = (state[0].item<double>(), (int)state[1].item<double>());
}
