using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Models;

public sealed class SoftmaxLossTests
{
    private const double Divisor = 7;

    [Theory]
    [InlineData(3, 64, 1)]
    [InlineData(5, 3072, 8)]
    [InlineData(1, 32, 90)]
    public void Compute_LossAndGradient_EqualFloat64(int tokens, int vocabulary, double spread)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(9);
        Tensor logits = randn(tokens, vocabulary).mul_(spread).to(ScalarType.BFloat16), exact = logits.to(ScalarType.Float64);
        long[] targets = [.. Enumerable.Range(0, tokens).Select(token => (long)(token * 13 % vocabulary))];
        Tensor index = tensor(targets).unsqueeze(1), logSum = exact.logsumexp(1, keepdim: true);
        double expected = logSum.sub(exact.gather(1, index)).sum().item<double>();
        Tensor gradient = exact.sub(logSum).exp_().scatter_add_(1, index, ones(tokens, 1, ScalarType.Float64).neg_()).div_(Divisor);

        double untouched = SoftmaxLoss.Compute(logits, targets, null);
        Assert.Equal(exact.to(ScalarType.BFloat16), logits);
        double loss = SoftmaxLoss.Compute(logits, targets, Divisor);

        Assert.Equal(loss, untouched);
        Assert.InRange(loss / expected, 1 - 1e-5, 1 + 1e-5);
        // Half a unit in the last place of bfloat16, and the kernel's own error.
        Assert.True(logits.to(ScalarType.Float64).sub(gradient).abs().max().item<double>() <= gradient.abs().max().item<double>() / 256);
        Tensor large = gradient.abs().gt(1e-6), relative = logits.to(ScalarType.Float64).sub(gradient).abs().div_(gradient.abs());
        Assert.True(relative.masked_select(large).max().item<double>() <= 1.02 / 256);
    }
}
