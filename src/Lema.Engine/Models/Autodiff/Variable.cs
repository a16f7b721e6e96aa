using static TorchSharp.torch;

namespace Lema.Engine.Models.Autodiff;

/// <summary>A value of the computation and, during the backward pass, the gradient of the loss with respect to it.</summary>
public sealed class Variable(Tensor value)
{
    private bool _ownsGradient;

    public Tensor Value { get; } = value;

    public Tensor? Gradient { get; private set; }

    /// <summary>Adds a contribution that nothing else refers to; it may be changed in place later.</summary>
    public void Accumulate(Tensor contribution) => Accumulate(contribution, owned: true);

    /// <summary>Adds a contribution that others still read.</summary>
    public void AccumulateShared(Tensor contribution) => Accumulate(contribution.alias(), owned: false);

    /// <summary>Takes the gradient away, or null where nothing flowed back to this value.</summary>
    public Tensor? TakeGradient()
    {
        Tensor? gradient = Gradient;
        Gradient = null;
        return gradient;
    }

    private void Accumulate(Tensor contribution, bool owned)
    {
        if (Gradient is null)
        {
            (Gradient, _ownsGradient) = (contribution, owned);
            return;
        }
        Tensor sum = _ownsGradient ? Gradient.add_(contribution) : owned ? contribution.add_(Gradient) : Gradient.add(contribution);
        if (!ReferenceEquals(sum, Gradient)) Gradient.Dispose();
        if (!ReferenceEquals(sum, contribution)) contribution.Dispose();
        (Gradient, _ownsGradient) = (sum, true);
    }
}
