using Lema.Engine.Models.Autodiff;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>Which experts each token goes to, and with what weight.</summary>
/// <param name="Experts">int64 [tokens, k]</param>
/// <param name="Weights">[tokens, k], differentiable.</param>
public sealed record Routing(Tensor Experts, Variable Weights)
{
    /// <summary>Softmax over all experts, the k best, divided by their sum if wanted (Mixtral, Qwen).</summary>
    public static Routing Softmax(LayerPass pass, Variable logits, int count, bool normalize)
    {
        Tensor experts = logits.Value.to(ScalarType.Float32).topk(count, 1).indexes;
        return new(experts, pass.Differentiate(logits, x => Chosen(x.to(ScalarType.Float32).softmax(1), experts, normalize, 0), experts));
    }

    /// <summary>Sigmoid scores; a bias decides who is chosen but not with what weight (LFM2-MoE, after DeepSeek-V3).</summary>
    public static Routing Sigmoid(LayerPass pass, Variable logits, Tensor? bias, int count, bool normalize, double factor)
    {
        Tensor scores = logits.Value.to(ScalarType.Float32).sigmoid();
        Tensor experts = (bias is null ? scores : scores.add(bias.to(ScalarType.Float32))).topk(count, 1).indexes;
        return new(experts, pass.Differentiate(logits, x => Chosen(x.to(ScalarType.Float32).sigmoid(), experts, normalize, 1e-6).mul(factor), experts));
    }

    private static Tensor Chosen(Tensor scores, Tensor experts, bool normalize, double epsilon)
    {
        Tensor chosen = scores.gather(1, experts);
        return normalize ? chosen.div(chosen.sum(1, keepdim: true).add(epsilon)) : chosen;
    }
}

/// <summary>A sparse feed-forward layer (Shazeer et al. 2017): route first, then bring in each chosen expert once.</summary>
public static class MixtureOfExperts
{
    /// <summary>h: [tokens, hidden] -> sum over a token's experts of weight * expert(h).</summary>
    /// <param name="expert">The feed-forward of one expert: its number, its weights, the pass to record on, its tokens [n, hidden].</param>
    /// <remarks>
    /// Going back, an expert is computed and differentiated in one go while it is on the device, so that only one expert's activations exist at a time; and
    /// where the forward pass is a recomputation, whose output nobody reads, experts are not brought in for it at all. This has to be the last
    /// operation of a block but for the residual sum.
    /// </remarks>
    public static Variable Experts(this LayerPass pass, Variable h, Routing routing, Func<int, LayerWeights, LayerPass, Variable, Variable> expert)
    {
        Tensor input = h.Value, output = zeros_like(input);
        (int Expert, Tensor Tokens, Tensor Slots)[] assignments = Assign(routing.Experts);
        if (!pass.Recomputes)
        {
            pass.Weights.Announce(assignments.Select(a => a.Expert));
            foreach ((int number, Tensor tokens, Tensor slots) in assignments)
            {
                pass.Weights.WithExpert(number, weights =>
                {
                    using var scope = NewDisposeScope();
                    Variable y = expert(number, weights, pass with { Tape = null }, new(input.index_select(0, tokens)));
                    output.index_add_(0, tokens, y.Value.mul(Weight(routing, tokens, slots).to(y.Value.dtype)), 1);
                });
            }
        }
        Tensor weightValues = routing.Weights.Value;
        return pass.Record(output, [input, weightValues, .. assignments.SelectMany(a => new[] { a.Tokens, a.Slots })], gradient =>
        {
            using var scope = NewDisposeScope();
            Tensor dInput = zeros_like(input), dWeights = zeros_like(weightValues);
            pass.Weights.Announce(assignments.Select(a => a.Expert));
            foreach ((int number, Tensor tokens, Tensor slots) in assignments)
            {
                pass.Weights.WithExpert(number, weights =>
                {
                    using var expertScope = NewDisposeScope();
                    using Tape tape = new();
                    Variable x = new(input.index_select(0, tokens));
                    Variable y = expert(number, weights, pass with { Tape = tape, Recomputes = false }, x);
                    Tensor dy = gradient.index_select(0, tokens);
                    dWeights.index_put_(dy.mul(y.Value).sum(1).to(dWeights.dtype), tokens, slots);
                    tape.Backward(y, dy.mul(weightValues.index(tokens, slots).unsqueeze(1).to(dy.dtype)));
                    dInput.index_add_(0, tokens, x.TakeGradient()!, 1);
                });
            }
            h.Accumulate(dInput.MoveToOuterDisposeScope());
            routing.Weights.Accumulate(dWeights.MoveToOuterDisposeScope());
        });
    }

    private static Tensor Weight(Routing routing, Tensor tokens, Tensor slots) => routing.Weights.Value.index(tokens, slots).unsqueeze(1);

    /// <summary>For each chosen expert its tokens and which of their k choices it is, in the order of experts.</summary>
    private static (int Expert, Tensor Tokens, Tensor Slots)[] Assign(Tensor experts)
    {
        long count = experts.size(1);
        long[] flat = experts.cpu().flatten().data<long>().ToArray();
        return [.. Enumerable.Range(0, flat.Length).GroupBy(i => flat[i]).OrderBy(group => group.Key).Select(group => (
            (int)group.Key,
            tensor(group.Select(i => i / count).ToArray(), device: experts.device),
            tensor(group.Select(i => i % count).ToArray(), device: experts.device)))];
    }
}
