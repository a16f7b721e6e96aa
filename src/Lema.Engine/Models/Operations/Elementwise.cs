using Lema.Engine.Models.Autodiff;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>Sums, scalings, reshapes and the gated activations of feed-forward networks.</summary>
public static class Elementwise
{
    public static Variable Add(this LayerPass pass, Variable a, Variable b)
    {
        if (DecodeKernels.Support(pass, a.Value, b.Value, a.Value.numel())) return new(DecodeKernels.Add(a.Value, b.Value));
        return pass.Record(a.Value.add(b.Value), [], gradient =>
        {
            a.AccumulateShared(gradient);
            b.AccumulateShared(gradient);
        });
    }

    public static Variable Scale(this LayerPass pass, Variable x, double factor) =>
        factor == 1 ? x : pass.Record(x.Value.mul(factor), [], gradient => x.Accumulate(gradient.mul(factor)));

    public static Variable Multiply(this LayerPass pass, Variable a, Variable b)
    {
        Tensor left = a.Value, right = b.Value;
        return pass.Record(left.mul(right), [left, right], gradient =>
        {
            a.Accumulate(gradient.mul(right));
            b.Accumulate(gradient.mul(left));
        });
    }

    public static Variable Reshape(this LayerPass pass, Variable x, params long[] shape)
    {
        // TorchSharp asks for a shape by a call back into managed code, which costs more than the view.
        long[] before = pass.Tape is null ? [] : x.Value.shape;
        return pass.Record(x.Value.reshape(shape), [], gradient => x.AccumulateShared(gradient.reshape(before)));
    }

    /// <summary>[tokens, heads * width] -> [tokens, heads, width].</summary>
    public static Variable Heads(this LayerPass pass, Variable x, int width) => pass.Reshape(x, x.Value.size(0), -1, width);

    /// <summary>Cuts the last dimension into parts of the given sizes: [tokens, sum of sizes] -> [tokens, size] each.</summary>
    public static Variable[] Split(this LayerPass pass, Variable x, params long[] sizes)
    {
        Variable[] parts = new Variable[sizes.Length];
        long start = 0;
        for (int i = 0; i < sizes.Length; i++)
        {
            (long from, long size) = (start, sizes[i]);
            parts[i] = pass.Record(x.Value.narrow(-1, from, size).contiguous(), [], gradient =>
            {
                using var scope = NewDisposeScope();
                Tensor whole = zeros([.. gradient.shape[..^1], sizes.Sum()], gradient.dtype, gradient.device);
                whole.narrow(-1, from, size).copy_(gradient);
                x.Accumulate(whole.MoveToOuterDisposeScope());
            });
            start += size;
        }
        return parts;
    }

    /// <summary>SwiGLU's product (Shazeer 2020): silu(gate) * up.</summary>
    public static Variable SiluMultiply(this LayerPass pass, Variable gate, Variable up)
    {
        Tensor g = gate.Value, u = up.Value;
        if (DecodeKernels.Support(pass, g, u, g.numel())) return new(DecodeKernels.SiluMultiply(g, u));
        return pass.Record(nn.functional.silu(g).mul_(u), [g, u], gradient =>
        {
            using var scope = NewDisposeScope();
            Tensor sigmoid = g.sigmoid(), silu = g.mul(sigmoid);
            up.Accumulate(gradient.mul(silu).MoveToOuterDisposeScope());
            // silu'(g) = sigmoid + silu * (1 - sigmoid)
            gate.Accumulate(sigmoid.add(silu.sub_(silu.mul(sigmoid))).mul_(u).mul_(gradient).MoveToOuterDisposeScope());
        });
    }

    /// <summary>The tanh approximation of GELU (Hendrycks and Gimpel 2016): 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).</summary>
    public static Variable GeluTanh(this LayerPass pass, Variable x)
    {
        const double Root = 0.7978845608028654, Cubic = 0.044715;
        Tensor input = x.Value;
        Tensor Inner() => input.to(ScalarType.Float32).pow(3).mul_(Cubic).add_(input).mul_(Root).tanh_();
        return pass.Record(Inner().add_(1).mul_(input).mul_(0.5).to(input.dtype), [input], gradient =>
        {
            using var scope = NewDisposeScope();
            Tensor tanh = Inner(), x32 = input.to(ScalarType.Float32);
            Tensor slope = tanh.square().neg_().add_(1).mul_(x32).mul_(x32.square().mul_(3 * Cubic).add_(1).mul_(Root)).add_(tanh).add_(1).mul_(0.5);
            x.Accumulate(slope.mul_(gradient).to(input.dtype).MoveToOuterDisposeScope());
        });
    }

    public static Variable Silu(this LayerPass pass, Variable x)
    {
        Tensor input = x.Value;
        return pass.Record(nn.functional.silu(input), [input], gradient =>
        {
            using var scope = NewDisposeScope();
            Tensor sigmoid = input.sigmoid();
            x.Accumulate(input.mul(sigmoid.neg().add_(1)).add_(1).mul_(sigmoid).mul_(gradient).MoveToOuterDisposeScope());
        });
    }
}
