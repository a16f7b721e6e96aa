using Lema.Engine.Models.Autodiff;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>For small formulas that are not worth a hand-written gradient: torch's autograd, used within one operation.</summary>
public static class LocalAutograd
{
    /// <param name="function">Pure; run once forward and once more, recorded, going back.</param>
    /// <param name="constants">Tensors that the function reads besides x.</param>
    public static Variable Differentiate(this LayerPass pass, Variable x, Func<Tensor, Tensor> function, params ReadOnlySpan<Tensor> constants)
    {
        Tensor input = x.Value;
        return pass.Record(function(input), [input, .. constants], gradient =>
        {
            using var scope = NewDisposeScope();
            using var grad = enable_grad();
            Tensor leaf = input.detach().requires_grad_();
            function(leaf).backward([gradient]);
            x.Accumulate(leaf.grad!.detach().MoveToOuterDisposeScope());
        });
    }
}
