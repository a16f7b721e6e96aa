namespace Lema.Engine.Weights;

/// <summary>
/// Orders tensors as a pass visits them: embeddings, blocks by number, what follows the blocks (final norm), output head. Within a block: attention,
/// then the feed-forward part, then experts one after another, so that each unit of streaming is one run of bytes.
/// </summary>
internal static class LayerOrder
{
    private enum Part { Embedding, Block, AfterBlocks, Head }

    private static readonly string[] BlockLists = ["layers", "h", "blocks", "layer"];
    private static readonly string[] Embeddings = ["embed_tokens", "wte", "wpe", "word_embeddings", "embed_in"];
    private static readonly string[] Heads = ["lm_head", "embed_out"];

    private static readonly string[] RolesInABlock =
    [
        "input_layernorm", "ln_1", "operator_norm", "q_proj", "k_proj", "v_proj", "qkv_proj", "c_attn", "q_norm", "k_norm", "q_layernorm", "k_layernorm", "o_proj",
        "self_attn", "attn", "linear_attn", "conv", "post_attention_layernorm", "pre_feedforward_layernorm", "ln_2", "ffn_norm", "router", "gate.",
        "gate_proj", "gate_up_proj", "up_proj", "c_fc", "w1", "w3", "down_proj", "w2", "mlp", "post_feedforward_layernorm",
    ];

    public static IReadOnlyList<TensorEntry> Of(IEnumerable<TensorEntry> tensors) =>
        [.. tensors.OrderBy(tensor => Key(tensor.Name)).ThenBy(tensor => tensor.Name, StringComparer.Ordinal)];

    private static (Part, long Block, long Expert, int Role) Key(string name)
    {
        string[] segments = name.Split('.');
        long block = NumberAfter(segments, BlockLists);
        if (block >= 0)
        {
            int role = Array.FindIndex(RolesInABlock, part => name.Contains(part, StringComparison.Ordinal));
            return (Part.Block, block, NumberAfter(segments, ["experts"]), role < 0 ? RolesInABlock.Length : role);
        }
        Part outside = segments.Any(Embeddings.Contains) ? Part.Embedding : segments.Any(Heads.Contains) ? Part.Head : Part.AfterBlocks;
        return (outside, 0, 0, 0);
    }

    private static long NumberAfter(string[] segments, string[] lists)
    {
        for (int index = 0; index + 1 < segments.Length; index++)
        {
            if (lists.Contains(segments[index]) && long.TryParse(segments[index + 1], out long number)) return number;
        }
        return -1;
    }
}
