using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Models.Operations;
using Lema.Engine.Models.Sequences;
using static TorchSharp.torch;

namespace Lema.Engine.Generation;

/// <summary>
/// Makes replies, many at a time: one pass of the weights adds a token to every open one. Replies are admitted as memory allows, prompts of any length beside
/// replies under way, and leave as they finish. A reply does not depend on those beside it, but for the rounding of larger matrix products.
/// </summary>
public sealed class Generator(LanguageModel model, GeneratorOptions? options = null)
{
    private readonly GeneratorOptions _options = options ?? new GeneratorOptions();
    private readonly DecodePass _pass = new(model, (options ?? new GeneratorOptions()).TokensAtOnce);
    private readonly LogitFilter _filter = new();
    private long _stateBytesPerToken;

    /// <summary>Makes a reply to each request, in their order. Runs on the calling thread.</summary>
    /// <param name="text">Makes the decoder of one reply; null when tokens are enough.</param>
    /// <param name="onDelta">Called after each pass for each open reply, on this thread.</param>
    /// <exception cref="InvalidInputException">A prompt is empty, or leaves no room in the model's context.</exception>
    /// <exception cref="OperationCanceledException">Stopped between two passes.</exception>
    public IReadOnlyList<GeneratedReply> Generate(
        IReadOnlyList<GenerationRequest> requests, Func<TextDecoder>? text = null, Action<ReplyDelta>? onDelta = null, CancellationToken stop = default)
    {
        int[] capacities = [.. requests.Select(Capacity)];
        GeneratedReply[] results = new GeneratedReply[requests.Count];
        List<OpenReply> open = [];
        using KeyValuePool pool = new(_options.StateBytes, _options.StateFolder, model.ComputeLedger, model.Ledger);
        using IDisposable held = model.HoldAdapters();
        using CacheAhead ahead = new(model.Stream.HostMemory);
        int next = 0;
        try
        {
            while (next < requests.Count || open.Count > 0)
            {
                stop.ThrowIfCancellationRequested();
                while (next < requests.Count && Admits(open, capacities[next])) open.Add(Open(next, requests[next], capacities[next++], pool, text));
                Step(open, onDelta);
                foreach (OpenReply finished in open.Where(reply => reply.Finished is not null))
                {
                    results[finished.Index] = finished.Result;
                    finished.Dispose();
                }
                open.RemoveAll(reply => reply.Finished is not null);
            }
        }
        finally
        {
            foreach (OpenReply reply in open) reply.Dispose();
        }
        return results;
    }

    /// <summary>Tokens of prompt and reply together at the most.</summary>
    private int Capacity(GenerationRequest request, int index)
    {
        string place = $"request {index}";
        int length = request.Prompt.Count, most = model.Architecture.MaxPositions;
        if (length == 0) throw new InvalidInputException(place, "prompt", "is empty; a reply needs at least one token before it");
        if (length >= most) throw new InvalidInputException(place, "prompt", $"has {length} tokens, the model's context {most}; shorten it");
        if (request.MaxNewTokens < 1) throw new InvalidInputException(place, "maxNewTokens", $"must be at least 1, is {request.MaxNewTokens}");
        if (request.Stops.Any(string.IsNullOrEmpty)) throw new InvalidInputException(place, "stops", "a stop string must not be empty");
        int vocabulary = model.Architecture.VocabularySize;
        foreach (int token in request.Prompt)
        {
            if (token < 0 || token >= vocabulary) throw new InvalidInputException(place, "prompt", $"token {token} is not in the model's vocabulary of {vocabulary}; the tokenizer belongs to another model");
        }
        request.Sampling.Validate();
        return (int)Math.Min(most, (long)length + request.MaxNewTokens);
    }

    private bool Admits(List<OpenReply> open, int capacity)
    {
        if (open.Count == 0) return true;
        if (open.Count >= _options.OpenReplies) return false;
        long logitBytes = (open.Count + 1L) * model.Architecture.VocabularySize * sizeof(float);
        return (open.Sum(reply => (long)reply.State.Capacity) + capacity) * StateBytesPerToken() + logitBytes <= _options.StateBytes;
    }

    /// <summary>As measured on the first reply; before that, keys and values of full width.</summary>
    private long StateBytesPerToken() =>
        _stateBytesPerToken > 0 ? _stateBytesPerToken : 2L * model.Architecture.BlockCount * model.Architecture.HiddenSize * StateElementBytes;

    private int StateElementBytes => model.ComputeType == ScalarType.Float32 ? sizeof(float) : sizeof(ushort);

    private OpenReply Open(int index, GenerationRequest request, int capacity, KeyValuePool pool, Func<TextDecoder>? text) =>
        new(index, request, capacity, new SequenceState(model.Architecture.BlockCount, capacity, pool, _options.ChunkTokens), _filter, text?.Invoke() ?? TextDecoder.None);

    private unsafe void Step(List<OpenReply> open, Action<ReplyDelta>? onDelta)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor logits = _pass.Run(open).cpu();
        float* rows = (float*)TensorMemory.Pointer(logits);
        int vocabulary = model.Architecture.VocabularySize;
        for (int i = 0; i < open.Count; i++)
        {
            ReplyDelta delta = open[i].Advance(new Span<float>(rows + (long)i * vocabulary, vocabulary));
            onDelta?.Invoke(delta);
        }
        _stateBytesPerToken = open[0].State.TokenBytes;
    }
}
