using System.Text.Json;
using Lema.Bench.Peers;
using Lema.Engine.Weights;

namespace Lema.Bench;

/// <summary>A model to measure with: a Hugging Face folder, or a named shape for which random bf16 weights are made once in a cache folder.</summary>
internal static class BenchModel
{
    private sealed record Shape(int Hidden, int Layers, int Heads, int KeyValueHeads, int Intermediate, int Vocabulary, bool Tied);

    private static readonly Dictionary<string, Shape> Shapes = new()
    {
        ["smollm2-135m"] = new(576, 30, 9, 3, 1536, 49_152, true),
        ["tinyllama-1.1b"] = new(2048, 22, 32, 4, 5632, 32_000, false),
        ["llama2-7b"] = new(4096, 32, 32, 32, 11_008, 32_000, false),
    };

    private static string Cache => Environment.GetEnvironmentVariable("LEMA_BENCH_CACHE") ?? Path.Combine(Path.GetTempPath(), "lema-bench");

    public static string Folder(string model)
    {
        if (!Shapes.TryGetValue(model, out Shape? shape)) return Path.GetFullPath(model);
        string folder = Path.Combine(Cache, model);
        if (!Directory.Exists(folder)) Engine.Storage.AtomicFolder.Create(folder, temporary => Write(temporary, shape));
        return folder;
    }

    /// <summary>A folder that holds the same model in layer order; made beside the cache when it is not prepared itself.</summary>
    public static string Prepared(string folder)
    {
        if (GlobalBinaryIndex.Open(folder).IsPrepared) return folder;
        string prepared = Path.Combine(Cache, Path.GetFileName(folder) + ".prepared");
        ModelPreparer.Prepare(folder, prepared, new PrepareOptions());
        return prepared;
    }

    /// <summary>A file for llama.cpp that holds the same model; made in the cache, again when the model is newer.</summary>
    public static string Gguf(string folder)
    {
        string name = Path.GetFileName(folder), file = Path.Combine(Cache, $"{name}-{GlobalBinaryIndex.Open(folder).HeaderSha256[..12]}.bf16.gguf");
        if (File.Exists(file) && Directory.EnumerateFiles(folder).All(source => File.GetLastWriteTimeUtc(source) <= File.GetLastWriteTimeUtc(file))) return file;
        Directory.CreateDirectory(Cache);
        LlamaGguf.Write(folder, name, file);
        return file;
    }

    private static void Write(string folder, Shape shape)
    {
        int head = shape.Hidden / shape.Heads;
        List<SafetensorsSpec> specs = [Matrix("model.embed_tokens", shape.Vocabulary, shape.Hidden)];
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            specs.Add(Vector(prefix + "input_layernorm", shape.Hidden));
            specs.Add(Matrix(prefix + "self_attn.q_proj", shape.Heads * head, shape.Hidden));
            specs.Add(Matrix(prefix + "self_attn.k_proj", shape.KeyValueHeads * head, shape.Hidden));
            specs.Add(Matrix(prefix + "self_attn.v_proj", shape.KeyValueHeads * head, shape.Hidden));
            specs.Add(Matrix(prefix + "self_attn.o_proj", shape.Hidden, shape.Heads * head));
            specs.Add(Vector(prefix + "post_attention_layernorm", shape.Hidden));
            specs.Add(Matrix(prefix + "mlp.gate_proj", shape.Intermediate, shape.Hidden));
            specs.Add(Matrix(prefix + "mlp.up_proj", shape.Intermediate, shape.Hidden));
            specs.Add(Matrix(prefix + "mlp.down_proj", shape.Hidden, shape.Intermediate));
        }
        specs.Add(Vector("model.norm", shape.Hidden));
        if (!shape.Tied) specs.Add(Matrix("lm_head", shape.Vocabulary, shape.Hidden));
        using (SafetensorsWriter writer = new(Path.Combine(folder, "model.safetensors"), specs))
        {
            foreach (SafetensorsSpec spec in specs) WriteRandom(writer, spec);
            writer.Complete();
        }
        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(new Dictionary<string, object>
        {
            ["architectures"] = new[] { "LlamaForCausalLM" },
            ["model_type"] = "llama",
            ["hidden_size"] = shape.Hidden,
            ["intermediate_size"] = shape.Intermediate,
            ["num_hidden_layers"] = shape.Layers,
            ["num_attention_heads"] = shape.Heads,
            ["num_key_value_heads"] = shape.KeyValueHeads,
            ["vocab_size"] = shape.Vocabulary,
            ["max_position_embeddings"] = 4096,
            ["rms_norm_eps"] = 1e-5,
            ["rope_theta"] = 10000.0,
            ["hidden_act"] = "silu",
            ["tie_word_embeddings"] = shape.Tied,
            ["torch_dtype"] = "bfloat16",
        }));
    }

    private static SafetensorsSpec Matrix(string module, long rows, long columns) => new(module + ".weight", "BF16", [rows, columns]);

    private static SafetensorsSpec Vector(string module, long size) => new(module + ".weight", "BF16", [size]);

    /// <summary>Norms are one; matrices are uniform with a deviation of 0.02, near what training starts from, so that no value grows out of range.</summary>
    private static void WriteRandom(SafetensorsWriter writer, SafetensorsSpec spec)
    {
        ushort[] buffer = new ushort[1 << 20];
        ulong state = (ulong)spec.Name.GetHashCode(StringComparison.Ordinal) | 1;
        for (long left = spec.ByteCount / sizeof(ushort); left > 0;)
        {
            Span<ushort> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, left));
            foreach (ref ushort value in piece) value = spec.Shape.Count == 1 ? (ushort)0x3F80 : Uniform(ref state);
            writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(piece));
            left -= piece.Length;
        }
    }

    private static ushort Uniform(ref ulong state)
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        float value = ((state >> 40) / (float)(1 << 24) - 0.5f) * 0.07f;
        return (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
    }
}
