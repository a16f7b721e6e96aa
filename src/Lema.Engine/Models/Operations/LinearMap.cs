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
        LoraUpdate? update = weights.Adapter(module) is { } adapter ? new(adapter, pass, weights, module, Matrix) : null;

        (Tensor output, Tensor[] saved) = update?.Forward(input) ?? (pass.Product(input, Matrix()), []);
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
            Tensor dx = update?.Backward(input, gradient, saved) ?? MatrixProduct.Multiply(gradient, Matrix());
            x.Accumulate(dx.MoveToOuterDisposeScope());
        });
    }

    /// <summary>Several modules of one input. Generating, their matrices are read together.</summary>
    public static Variable[] Linears(this LayerPass pass, Variable x, bool hasBias, params ReadOnlySpan<string> modules)
    {
        Variable[] outputs = new Variable[modules.Length];
        if (Together(pass, x.Value, modules, out Tensor[] matrices))
        {
            Tensor?[] updates = new Tensor?[modules.Length];
            for (int i = 0; i < modules.Length; i++)
            {
                string module = modules[i];
                if (pass.Weights.Adapter(module) is { } adapter) updates[i] = new LoraUpdate(adapter, pass, pass.Weights, module, () => pass.Weights[module + ".weight"]).Addend(x.Value);
            }
            Tensor[] products = MatrixVector.Multiply(x.Value, matrices, updates);
            for (int i = 0; i < modules.Length; i++)
            {
                if (hasBias) products[i].add_(pass.Weights[modules[i] + ".bias"]);
                outputs[i] = new(products[i]);
            }
            return outputs;
        }
        for (int i = 0; i < modules.Length; i++) outputs[i] = pass.Linear(x, modules[i], hasBias);
        return outputs;
    }

    private static bool Together(LayerPass pass, Tensor input, ReadOnlySpan<string> modules, out Tensor[] matrices)
    {
        matrices = [];
        if (pass.States is null) return false;
        Tensor[] found = new Tensor[modules.Length];
        for (int i = 0; i < modules.Length; i++)
        {
            found[i] = pass.Weights[modules[i] + ".weight"];
            if (pass.Weights.Adapter(modules[i]) is { Magnitude: not null } || !MatrixVector.Supports(input, found[i])) return false;
        }
        matrices = found;
        return true;
    }

    /// <summary>x W^T, added to <paramref name="addend"/> in place before the one rounding where there is one.</summary>
    internal static Tensor Product(this LayerPass pass, Tensor input, Tensor matrix, Tensor? addend = null)
    {
        if (pass.States is not null && MatrixVector.Supports(input, matrix)) return MatrixVector.Multiply(input, matrix, addend);
        return addend is null ? MatrixProduct.Multiply(input, matrix.t()) : MatrixProduct.MultiplyAdd(addend, input, matrix.t());
    }
}
