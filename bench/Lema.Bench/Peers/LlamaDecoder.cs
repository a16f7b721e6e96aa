using System.Diagnostics;
using System.Numerics.Tensors;
using Lema.Engine.Errors;
using LLama;
using LLama.Common;
using LLama.Native;

namespace Lema.Bench.Peers;

/// <summary>What decides the speed of llama.cpp on a processor, beside its threads.</summary>
internal sealed record LlamaTuning(LLamaLoadMode Load, bool FlashAttention, GGMLType KeyValues)
{
    /// <summary>Settings worth trying. Mapped weights lie in the file's small pages, loaded ones in large ones where malloc has them.</summary>
    public static IReadOnlyList<LlamaTuning> Candidates { get; } =
    [
        .. from load in (LLamaLoadMode[])[LLamaLoadMode.MemoryMap, LLamaLoadMode.None]
           from attention in ((bool, GGMLType)[])[(false, GGMLType.GGML_TYPE_F16), (true, GGMLType.GGML_TYPE_F16), (false, GGMLType.GGML_TYPE_F32)]
           select new LlamaTuning(load, attention.Item1, attention.Item2),
    ];

    public override string ToString() =>
        $"{(Load == LLamaLoadMode.MemoryMap ? "mapped" : "loaded")}, flash attention {(FlashAttention ? "on" : "off")}, keys and values {(KeyValues == GGMLType.GGML_TYPE_F16 ? "f16" : "f32")}";
}

/// <param name="FirstSeconds">From the prompt to the first token.</param>
/// <param name="SecondsPerToken">Of each further token.</param>
internal sealed record LlamaReply(double FirstSeconds, double SecondsPerToken, int[] Tokens);

/// <summary>A model in llama.cpp that continues a prompt greedily, with as many threads as there are processors.</summary>
internal sealed class LlamaDecoder : IDisposable
{
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _context;

    /// <param name="positions">Tokens of prompt and reply together.</param>
    public LlamaDecoder(string file, LlamaTuning settings, int positions)
    {
        ModelParams parameters = new(file)
        {
            ContextSize = (uint)positions,
            GpuLayerCount = 0,
            Threads = Environment.ProcessorCount,
            BatchThreads = Environment.ProcessorCount,
            LoadMode = settings.Load,
            FlashAttention = settings.FlashAttention,
            TypeK = settings.KeyValues,
            TypeV = settings.KeyValues,
        };
        _weights = LLamaWeights.LoadFromFile(parameters);
        _context = _weights.CreateContext(parameters);
    }

    /// <summary>Does not stop at end tokens.</summary>
    public LlamaReply Decode(IReadOnlyList<int> prompt, int newTokens)
    {
        _context.NativeHandle.MemoryClear();
        LLamaBatch batch = new();
        int[] tokens = new int[newTokens];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < prompt.Count; i++) batch.Add(prompt[i], i, LLamaSeqId.Zero, i == prompt.Count - 1);
        tokens[0] = Next(batch);
        double first = Stopwatch.GetElapsedTime(start).TotalSeconds;
        for (int i = 1; i < newTokens; i++)
        {
            batch.Clear();
            batch.Add(tokens[i - 1], prompt.Count + i - 1, LLamaSeqId.Zero, true);
            tokens[i] = Next(batch);
        }
        return new(first, (Stopwatch.GetElapsedTime(start).TotalSeconds - first) / (newTokens - 1), tokens);
    }

    public void Dispose()
    {
        _context.Dispose();
        _weights.Dispose();
    }

    private int Next(LLamaBatch batch)
    {
        DecodeResult result = _context.NativeHandle.Decode(batch);
        if (result != DecodeResult.Ok) throw new InvalidInputException("llama.cpp", "decode", $"answered {result}");
        return TensorPrimitives.IndexOfMax<float>(_context.NativeHandle.GetLogitsIth(batch.TokenCount - 1));
    }
}
