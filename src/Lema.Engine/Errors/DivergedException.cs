namespace Lema.Engine.Errors;

/// <summary>The loss of a step is not a number any more; going on would only spoil the trained parameters.</summary>
public sealed class DivergedException(long step, double loss)
    : LemaException($"The loss of step {step} is {loss}. Resume from the last checkpoint with a lower learningRate, or with precision bf16 or fp32.")
{
    public long Step { get; } = step;

    public static void ThrowUnlessFinite(long step, double loss)
    {
        if (!double.IsFinite(loss)) throw new DivergedException(step, loss);
    }
}
