using Lema.Engine.Numerics;
using Lema.Engine.Models;
using Lema.Engine.Models.Operations;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>The arithmetic of an adapter within a linear module: forward, and the gradients of A, B, magnitude and input.</summary>
/// <remarks>
/// A and B are cast to the compute type once a visit, or once for all passes of a reply (<see cref="LanguageModel.HoldAdapters"/>); their gradients are summed in float32. The update is computed first and the matrix's part added to it, in one rounding: an update
/// that is smaller than the rounding of W x would be lost if it came second, and training in bfloat16 would begin late.
/// </remarks>
/// <param name="matrix">W, [out, in].</param>
public sealed class LoraUpdate(LoraModule lora, LayerPass pass, LayerWeights weights, string module, Func<Tensor> matrix)
{
    private readonly bool _drops = lora.Dropout > 0 && pass.Dropout is not null;

    private Tensor A => weights.OfAdapter(module + ".lora_A", () => lora.A.to(weights.ComputeType));

    private Tensor B => weights.OfAdapter(module + ".lora_B", () => lora.B.to(weights.ComputeType));

    /// <summary>[out] magnitude / row norm.</summary>
    private Tensor MagnitudeScale => weights.OfAdapter(module + ".dora", () =>
    {
        using var scope = NewDisposeScope();
        return lora.Magnitude!.Value.div(RowNorm).to(weights.ComputeType).MoveToOuterDisposeScope();
    });

    private Tensor RowNorm => weights.OfAdapter(module + ".norm", () => lora.RowNorm(matrix()));

    /// <summary>The module's output without its bias, x: [tokens, in] -> [tokens, out], and what the backward pass needs.</summary>
    public (Tensor Output, Tensor[] Saved) Forward(Tensor input)
    {
        Tensor dropped = _drops ? input.mul(Mask(input)) : input;
        (Tensor update, Tensor hidden) = Low(dropped);
        if (lora.Magnitude is null) return (pass.Product(input, matrix(), update), [hidden]);
        // m/|.| (W x + s B A x); with dropout the part of W x that is rescaled sees the dropped input as well
        Tensor inner = pass.Product(dropped, matrix(), update), output = inner.mul(MagnitudeScale);
        if (_drops) output.add_(pass.Product(input, matrix()).sub_(pass.Product(dropped, matrix())));
        return (output, [hidden, inner]);
    }

    /// <summary>s B A x, [tokens, out], for the caller to add W x to. Without DoRA and dropout.</summary>
    public Tensor Addend(Tensor input)
    {
        (Tensor update, Tensor hidden) = Low(input);
        hidden.Dispose();
        return update;
    }

    /// <summary>s B A x and A x.</summary>
    private (Tensor Update, Tensor Hidden) Low(Tensor input)
    {
        Tensor hidden = pass.Product(input, A);
        using Tensor scaled = hidden.mul(lora.Scale);
        return (pass.Product(scaled, B), hidden);
    }

    /// <summary>Gradients given that of the module's output; returns that of its input, the frozen matrix's part included.</summary>
    public Tensor Backward(Tensor input, Tensor gradient, Tensor[] saved)
    {
        Tensor inner = gradient;
        if (lora.Magnitude is not null)
        {
            lora.Magnitude.Accumulate(gradient.mul(saved[1]).to(ScalarType.Float32).sum([0L]).div_(RowNorm));
            inner = gradient.mul(MagnitudeScale);
        }
        Tensor hidden = saved[0], dHidden = MatrixProduct.Multiply(inner, B).mul_(lora.Scale);
        lora.GradientB.add_(MatrixProduct.Multiply(inner.t(), hidden), lora.Scale);
        if (!_drops)
        {
            lora.GradientA.add_(MatrixProduct.Multiply(dHidden.t(), input));
            return MatrixProduct.MultiplyAdd(MatrixProduct.Multiply(dHidden, A), inner, matrix());
        }

        Tensor mask = Mask(input);
        lora.GradientA.add_(MatrixProduct.Multiply(dHidden.t(), input.mul(mask)));
        Tensor dDropped = MatrixProduct.Multiply(dHidden, A);
        if (lora.Magnitude is not null) dDropped.add_(MatrixProduct.Multiply(inner.sub(gradient), matrix()));
        return MatrixProduct.MultiplyAdd(dDropped.mul_(mask), gradient, matrix());
    }

    private Tensor Mask(Tensor input)
    {
        DropoutSeed seed = pass.Dropout!.Value;
        return DropoutMask.Create(input.size(0), input.size(1), lora.Dropout, SplitMix64.Seed(module, seed.Seed, seed.Step, seed.MicroBatch, pass.Layer), input.dtype)
            .to(input.device);
    }
}
