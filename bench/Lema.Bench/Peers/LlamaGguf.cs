using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;
using Lema.Engine.Errors;
using Lema.Engine.Models.Configuration;
using Lema.Engine.Models.Families;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Bench.Peers;

/// <summary>A bf16 Llama model of a Hugging Face folder as the GGUF file that llama.cpp's converter makes of it: matrices as they are, vectors in float32.</summary>
internal static partial class LlamaGguf
{
    private const string Architecture = "llama";
    private const uint BFloat16File = 32, QuantizationVersion = 2;

    private static readonly Dictionary<string, string> BlockNames = new()
    {
        ["input_layernorm"] = "attn_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
    };

    /// <summary>Writes the file under a temporary name and renames it.</summary>
    /// <exception cref="InvalidInputException">The model is no Llama, has scaled rotary positions, biases, or weights that are not bf16.</exception>
    public static void Write(string folder, string name, string file)
    {
        LlamaSettings settings = ReadSettings(folder);
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(folder);
        TensorEntry[] stored = [.. index.Tensors.Where(tensor => !(settings.Dimensions.TiedEmbeddings && tensor.Name == "lm_head.weight"))];
        GgufTensor[] tensors = [.. stored.Select(tensor => Convert(tensor, settings.Heads))];
        GgufMetadata metadata = Describe(settings, name, stored.Sum(tensor => tensor.Shape.Aggregate(1L, (count, size) => count * size)));
        GgufTokenizer.Add(metadata, folder, settings.Dimensions.VocabularySize);
        string temporary = file + ".partial";
        using (FileStream stream = File.Create(temporary)) GgufFile.Write(stream, metadata, tensors);
        File.Move(temporary, file, overwrite: true);
    }

    private static LlamaSettings ReadSettings(string folder)
    {
        ConfigReader config = new(Path.Combine(folder, "config.json"));
        if (config.Text("model_type") is var type && type != Architecture) config.Problem("model_type", $"is '{type}'; only llama models can be compared with llama.cpp.");
        config.ThrowIfInvalid();
        LlamaSettings settings = LlamaSettings.Read(config);
        if (settings.Rotary.Scaling is not NoScaling) config.Problem("rope_scaling", "scaled rotary positions are not written for llama.cpp.");
        foreach (string bias in (ReadOnlySpan<string>)["attention_bias", "mlp_bias"])
            if (config.Flag(bias, false)) config.Problem(bias, "biases are not written for llama.cpp.");
        config.ThrowIfInvalid();
        return settings;
    }

    private static GgufMetadata Describe(LlamaSettings settings, string name, long parameters)
    {
        GgufMetadata metadata = new();
        metadata.Add("general.architecture", Architecture);
        metadata.Add("general.type", "model");
        metadata.Add("general.name", name);
        metadata.Add("general.size_label", string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e6:F1}M"));
        metadata.Add("llama.block_count", (uint)settings.Dimensions.BlockCount);
        metadata.Add("llama.context_length", (uint)settings.Dimensions.MaxPositions);
        metadata.Add("llama.embedding_length", (uint)settings.Dimensions.HiddenSize);
        metadata.Add("llama.feed_forward_length", (uint)settings.IntermediateSize);
        metadata.Add("llama.attention.head_count", (uint)settings.Heads.Count);
        metadata.Add("llama.attention.head_count_kv", (uint)settings.Heads.KeyCount);
        metadata.Add("llama.rope.freq_base", (float)settings.Rotary.Theta);
        metadata.Add("llama.attention.layer_norm_rms_epsilon", (float)settings.NormEpsilon);
        metadata.Add("llama.attention.key_length", (uint)settings.Heads.Width);
        metadata.Add("llama.attention.value_length", (uint)settings.Heads.Width);
        metadata.Add("general.file_type", BFloat16File);
        metadata.Add("llama.vocab_size", (uint)settings.Dimensions.VocabularySize);
        metadata.Add("llama.rope.dimension_count", (uint)settings.Rotary.Dimensions);
        metadata.Add("general.quantization_version", QuantizationVersion);
        return metadata;
    }

    private static GgufTensor Convert(TensorEntry tensor, HeadSettings heads)
    {
        if (tensor.Type != torch.ScalarType.BFloat16) throw new InvalidInputException(tensor.File, tensor.Name, $"is stored as {tensor.Type}; only bf16 weights can be compared with llama.cpp");
        string name = NameOf(tensor);
        long[] shape = [.. tensor.Shape.Reverse()];
        if (shape.Length == 1) return new(name, shape, GgufType.F32, () => Widen(Read(tensor)));
        return new(name, shape, GgufType.BF16, () => tensor.Name switch
        {
            _ when tensor.Name.EndsWith("q_proj.weight", StringComparison.Ordinal) => PairRows(Read(tensor), heads.Count, heads.Width),
            _ when tensor.Name.EndsWith("k_proj.weight", StringComparison.Ordinal) => PairRows(Read(tensor), heads.KeyCount, heads.Width),
            _ => Read(tensor),
        });
    }

    private static string NameOf(TensorEntry tensor)
    {
        switch (tensor.Name)
        {
            case "model.embed_tokens.weight": return "token_embd.weight";
            case "model.norm.weight": return "output_norm.weight";
            case "lm_head.weight": return "output.weight";
        }
        Match match = BlockTensor().Match(tensor.Name);
        return match.Success && BlockNames.TryGetValue(match.Groups["module"].Value, out string? part)
            ? $"blk.{match.Groups["block"].Value}.{part}.weight"
            : throw new InvalidInputException(tensor.File, tensor.Name, "has no counterpart in llama.cpp's Llama");
    }

    private static byte[] Read(TensorEntry tensor)
    {
        byte[] bytes = new byte[tensor.ByteCount];
        using PositionalFile file = PositionalFile.Open(tensor.File);
        file.Fill(bytes, tensor.Offset);
        return bytes;
    }

    /// <summary>bf16 -> float32: the same bits with sixteen zeros below.</summary>
    private static byte[] Widen(byte[] narrow)
    {
        byte[] wide = new byte[narrow.Length * 2];
        for (int i = 0; i < narrow.Length; i += 2) BinaryPrimitives.WriteUInt32LittleEndian(wide.AsSpan(i * 2), (uint)BinaryPrimitives.ReadUInt16LittleEndian(narrow.AsSpan(i)) << 16);
        return wide;
    }

    /// <summary>llama.cpp rotates neighbours where Hugging Face's layout rotates the halves of a head: row 2 i + s of a head is row s (width / 2) + i of the stored one.</summary>
    private static byte[] PairRows(byte[] rows, int heads, int width)
    {
        byte[] paired = new byte[rows.Length];
        int rowBytes = rows.Length / (heads * width);
        for (int row = 0; row < heads * width; row++)
        {
            int first = row / width * width, place = row % width, source = first + place % 2 * (width / 2) + place / 2;
            rows.AsSpan(source * rowBytes, rowBytes).CopyTo(paired.AsSpan(row * rowBytes));
        }
        return paired;
    }

    [GeneratedRegex(@"^model\.layers\.(?<block>\d+)\.(?<module>.+)\.weight$")]
    private static partial Regex BlockTensor();
}
