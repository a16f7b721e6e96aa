using Lema.Engine.Adapters;
using Lema.Engine.Models.Autodiff;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Operations;

/// <summary>Linear modules: the frozen (or trained) matrix, its bias, and the low-rank update of its adapter.</summary>
public static class LinearMap
{
    /// <summary>y = x W^T + bias + adapter(x). x: [tokens, in], W: [out, in] -> [tokens, out].</summary>
    /// <param name="module">Name of the module within the layer, such as <c>self_attn.q_proj</c>.</param>
    /// <param name="transposed">The weight is stored [in, out], as GPT-2's Conv1D does.</param>
    public static Variable Linear(this LayerPass pass, Variable x, string module, bool hasBias = false, bool transposed = false) =>
        pass.Linear(pass.Weights, x, module, hasBias, transposed);

    /// <summary>The same with the weights of an expert in place of the layer's.</summary>
    public static Variable Linear(this LayerPass pass, LayerWeights weights, Variable x, string module, bool hasBias = false, bool transposed = false)
    {
        string weight = module + ".weight", bias = module + ".bias";
        Tensor input = x.Value;
        // [out, in] in either case; a transposed view costs nothing
        Tensor Matrix() => transposed ? weights[weight].t() : weights[weight];
        Tensor Product(Tensor x, Tensor? addend) => LinearMap.Product(pass, x, Matrix(), addend);
        LoraUpdate? update = weights.Adapter(module) is { } adapter ? new(adapter, pass, weights, module, Matrix, Product) : null;

        (Tensor output, Tensor[] saved) = update?.Forward(input) ?? (Product(input, null), []);
        if (hasBias) output.add_(weights[bias]);

        return pass.Record(output, [input, .. saved], gradient =>
        {
            using var scope = NewDisposeScope();
            if (hasBias && weights.Trained(bias) is { } trainedBias) trainedBias.Accumulate(gradient.to(ScalarType.Float32).sum([0L]));
            if (weights.Trained(weight) is { } trained)
            {
                Tensor dW = gradient.to(ScalarType.Float32).t().mm(input.to(ScalarType.Float32));
                trained.Accumulate(transposed ? dW.t() : dW);
            }
            Tensor dx = update?.Backward(input, gradient, saved) ?? gradient.matmul(Matrix());
            x.Accumulate(dx.MoveToOuterDisposeScope());
        });
    }

    /// <summary>x W^T, added to <paramref name="addend"/> in place before the one rounding where there is one.</summary>
    private static Tensor Product(LayerPass pass, Tensor input, Tensor matrix, Tensor? addend)
    {
        if (pass.States is not null && MatrixVector.Supports(input, matrix)) return MatrixVector.Multiply(input, matrix, addend);
        return addend is null ? input.matmul(matrix.t()) : addend.addmm_(input, matrix.t(), 1, 1);
    }
}
