using Lema.Engine.Models.Autodiff;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>Normalisations over the last dimension. Statistics are float32 in every precision.</summary>
public static class Normalization
{
    /// <summary>
    /// Root mean square norm (Zhang and Sennrich 2019): y = x / sqrt(mean(x^2) + epsilon) * (w + weightOffset). x: [..., features], w: [features].
    /// </summary>
    /// <param name="weightOffset">1 for families that store the weight as a difference from 1 (Gemma).</param>
    public static Variable RmsNorm(this LayerPass pass, Variable x, string weight, double epsilon, double weightOffset = 0)
    {
        if (DecodeKernels.Support(pass, x.Value, pass.Weights[weight], x.Value.size(-1))) return new(DecodeKernels.RmsNorm(x.Value, pass.Weights[weight], epsilon, weightOffset));
        Tensor input = x.Value, x32 = input.to(ScalarType.Float32);
        Tensor inverse = x32.square().mean([-1], keepdim: true).add_(epsilon).rsqrt_();
        Tensor normalized = x32.mul(inverse);
        Tensor output = weightOffset == 0
            ? normalized.to(input.dtype).mul_(pass.Weights[weight])
            : normalized.mul(pass.Weights[weight].to(ScalarType.Float32).add(weightOffset)).to(input.dtype);
        return pass.Record(output, [input, inverse], gradient =>
        {
            using var scope = NewDisposeScope();
            Tensor scale = pass.Weights[weight].to(ScalarType.Float32);
            if (weightOffset != 0) scale = scale.add(weightOffset);
            Tensor dy = gradient.to(ScalarType.Float32), xHat = input.to(ScalarType.Float32).mul(inverse);
            if (pass.Weights.Trained(weight) is { } trained) trained.Accumulate(SumRows(dy.mul(xHat), trained.Gradient));
            Tensor weighted = dy.mul(scale);
            Tensor mean = weighted.mul(xHat).mean([-1], keepdim: true);
            x.Accumulate(weighted.sub_(xHat.mul_(mean)).mul_(inverse).to(input.dtype).MoveToOuterDisposeScope());
        });
    }

    /// <summary>Layer norm (Ba et al. 2016) with weight and bias, x: [..., features].</summary>
    public static Variable LayerNorm(this LayerPass pass, Variable x, string weight, string bias, double epsilon)
    {
        Tensor input = x.Value, x32 = input.to(ScalarType.Float32);
        Tensor mean = x32.mean([-1], keepdim: true), centred = x32.sub(mean);
        Tensor inverse = centred.square().mean([-1], keepdim: true).add_(epsilon).rsqrt_();
        Tensor output = centred.mul_(inverse).to(input.dtype).mul(pass.Weights[weight]).add_(pass.Weights[bias]);
        return pass.Record(output, [input, mean, inverse], gradient =>
        {
            using var scope = NewDisposeScope();
            Tensor dy = gradient.to(ScalarType.Float32), xHat = input.to(ScalarType.Float32).sub_(mean).mul_(inverse);
            if (pass.Weights.Trained(weight) is { } trainedWeight) trainedWeight.Accumulate(SumRows(dy.mul(xHat), trainedWeight.Gradient));
            if (pass.Weights.Trained(bias) is { } trainedBias) trainedBias.Accumulate(SumRows(dy, trainedBias.Gradient));
            Tensor weighted = dy.mul(pass.Weights[weight].to(ScalarType.Float32));
            Tensor dx = weighted.sub(weighted.mean([-1], keepdim: true)).sub_(xHat.mul(weighted.mul(xHat).mean([-1], keepdim: true))).mul_(inverse);
            x.Accumulate(dx.to(input.dtype).MoveToOuterDisposeScope());
        });
    }

    private static Tensor SumRows(Tensor rows, Tensor like) => rows.reshape(-1, like.size(-1)).sum([0L]);
}
