using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Sequences;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>Depthwise causal convolution over the tokens of each segment, with a few taps of which the last is the current token.</summary>
public static class ShortConvolution
{
    /// <summary>x: [tokens, channels], weight: [channels, 1, taps] -> [tokens, channels].</summary>
    public static Variable Convolve(this LayerPass pass, Variable x, string weight, string? bias)
    {
        Tensor input = x.Value;
        Tensor output = pass.States is { } states ? WithTails(pass, states, input, weight) : Convolve(pass, input, pass.Weights[weight]);
        if (bias is not null) output.add_(pass.Weights[bias]);
        return pass.Record(output, [input], gradient =>
        {
            using var scope = NewDisposeScope();
            if (bias is not null && pass.Weights.Trained(bias) is { } trainedBias) trainedBias.Accumulate(gradient.to(ScalarType.Float32).sum([0L]));
            Tensor taps = pass.Weights[weight], dInput = zeros_like(input);
            long count = taps.size(2), tokens = input.size(0);
            for (long back = 0; back < count && back < tokens; back++)
            {
                Tensor reached = gradient.mul(Reaches(pass, back, gradient.dtype)).narrow(0, back, tokens - back);
                dInput.narrow(0, 0, tokens - back).addcmul_(reached, Tap(taps, count - 1 - back).expand_as(reached), 1);
                if (pass.Weights.Trained(weight)?.Gradient is not { } dTaps) continue;
                Tensor dTap = reached.mul(input.narrow(0, 0, tokens - back)).to(ScalarType.Float32).sum([0L]);
                Tap(dTaps, count - 1 - back).add_(dTap.to(dTaps.device));
            }
            x.Accumulate(dInput.MoveToOuterDisposeScope());
        });
    }

    private static Tensor Convolve(LayerPass pass, Tensor input, Tensor taps)
    {
        using var scope = NewDisposeScope();
        long count = taps.size(2), tokens = input.size(0);
        Tensor output = input.mul(Tap(taps, count - 1));
        for (long back = 1; back < count && back < tokens; back++)
        {
            Tensor before = input.narrow(0, 0, tokens - back).mul(Reaches(pass, back, input.dtype).narrow(0, back, tokens - back));
            output.narrow(0, back, tokens - back).addcmul_(before, Tap(taps, count - 1 - back).expand_as(before), 1);
        }
        return output.MoveToOuterDisposeScope();
    }

    private static Tensor WithTails(LayerPass pass, IReadOnlyList<SequenceState> states, Tensor input, string weight)
    {
        using var scope = NewDisposeScope();
        Tensor taps = pass.Weights[weight], output = empty_like(input);
        long count = taps.size(2);
        for (int i = 0; i < states.Count; i++)
        {
            Segment segment = pass.Batch.Segments[i];
            Tensor tail = states[i].Tail(pass.Layer) ?? zeros([count - 1, input.size(1)], input.dtype, input.device);
            Tensor extended = cat([tail, input.narrow(0, segment.Start, segment.Length)], 0);
            Tensor sum = zeros([segment.Length, input.size(1)], input.dtype, input.device);
            for (long tap = 0; tap < count; tap++) sum.addcmul_(extended.narrow(0, tap, segment.Length), Tap(taps, tap).expand_as(sum), 1);
            output.narrow(0, segment.Start, segment.Length).copy_(sum);
            states[i].SetTail(pass.Layer, extended.narrow(0, extended.size(0) - (count - 1), count - 1));
        }
        return output.MoveToOuterDisposeScope();
    }

    private static Tensor Tap(Tensor taps, long index) => taps.select(2, index).select(1, 0);

    /// <summary>[tokens, 1]: 1 where the token <paramref name="back"/> places earlier is in the same segment.</summary>
    private static Tensor Reaches(LayerPass pass, long back, ScalarType type) => pass.Batch.Positions.ge(back).to(type).unsqueeze(1);
}
