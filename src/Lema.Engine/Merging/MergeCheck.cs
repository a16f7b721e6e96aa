using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Models;
using Lema.Engine.Training;
using static TorchSharp.torch;

namespace Lema.Engine.Merging;

/// <summary>
/// Compares a merged model with its base and adapter, both computed in float32 from the same prompts. Weights are streamed, one model after the other, so that
/// it needs no more memory than the merge itself.
/// </summary>
public static class MergeCheck
{
    /// <summary>Plain sentences: every token position of them is compared, over the whole vocabulary.</summary>
    private static readonly string[] Prompts =
    [
        "The capital of France is Paris.",
        "<|system|>\nYou are a precise assistant trained using LEMA.\n\n<|user|>\nWhich element has the symbol Fe?\n\n<|assistant|>\n",
        "Water boils at a lower temperature on a mountain than at the sea.",
        "[LEMA_REPLY]\nAnswer: ",
    ];

    /// <param name="weightBytes">Budget of each model's weights; null: all of them.</param>
    /// <returns>The largest absolute difference of a logit.</returns>
    /// <exception cref="Errors.LemaException">One of the folders cannot be used, or the budget is too small.</exception>
    public static double LargestLogitDifference(string baseFolder, string adapterFolder, string mergedFolder, long? weightBytes, CancellationToken stop)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tokenizer tokenizer = Tokenizer.Load(baseFolder);
        int[][] prompts = [.. Prompts.Select(tokenizer.EncodePrompt)];
        ModelOptions options = new() { Precision = Precision.Fp32, WeightBytes = weightBytes };
        Tensor expected = Logits(baseFolder, options with { Adapters = ModelOptions.FromFolder(adapterFolder) }, prompts);
        stop.ThrowIfCancellationRequested();
        Tensor actual = Logits(mergedFolder, options, prompts);
        return actual.sub_(expected).abs_().max().item<float>();
    }

    /// <summary>Float32 logits [tokens of all prompts, vocabulary].</summary>
    private static Tensor Logits(string folder, ModelOptions options, int[][] prompts)
    {
        using LanguageModel model = LanguageModel.Open(folder, options);
        using var scope = NewDisposeScope();
        using TokenBatch batch = new([.. prompts.SelectMany(ids => ids).Select(id => (long)id)], prompts.Select(ids => ids.Length));
        return new OutputHead(model).AllLogits(model.Normalize(batch, model.Forward(batch)).Value).MoveToOuterDisposeScope();
    }
}
