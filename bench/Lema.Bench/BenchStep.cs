using System.Diagnostics;
using Lema.Engine.Adapters;
using Lema.Engine.Devices;
using Lema.Engine.Models;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using TorchSharp;

namespace Lema.Bench;

/// <summary>A model with LoRA r 16 on all linear layers and one batch of random tokens, ready to take optimizer steps that are timed.</summary>
internal sealed class BenchStep : IDisposable
{
    private readonly MicroBatch[] _batches;
    private readonly AdamW _optimizer;
    private readonly int _keptLayers;
    private readonly int _chunkTokens;
    private readonly string? _boundaryFolder;

    public BenchStep(string folder, long batch, long length, long microRows, long? weightBytes, MemoryPlan? plan, DirectIo directIo, Precision precision = Precision.Bf16)
    {
        RunSettings settings = new() { Precision = precision, ClipGradNorm = 1 };
        Model = LanguageModel.Open(folder, new ModelOptions
        {
            Precision = precision,
            WeightBytes = weightBytes,
            DirectIo = directIo,
            Adapters = (model, index) => TrainedWeights.Create(model, index, settings),
        });
        _optimizer = new AdamW(Model.Adapters.Parameters, settings);
        _keptLayers = plan?.KeptLayers ?? 1;
        _chunkTokens = plan?.ChunkTokens ?? 1024;
        _boundaryFolder = plan?.Boundaries == BoundaryPlace.File ? Path.GetDirectoryName(folder) : null;
        Random random = new(1);
        _batches =
        [
            .. Enumerable.Range(0, (int)(batch / microRows)).Select(_ => MicroBatch.Of(
                [.. Enumerable.Range(0, (int)microRows).Select(_ => Row(random, length)).Select(row => (row, row))])),
        ];
    }

    public LanguageModel Model { get; }

    public MicroBatch FirstBatch => _batches[0];

    /// <summary>Resident memory that a step is kept to, as a run is kept to its plan; null: this process holds more than the step's model.</summary>
    public ResidentLimit? Resident { get; set; }

    /// <summary>One optimizer step; seconds.</summary>
    public double Run()
    {
        using var scope = torch.NewDisposeScope();
        long start = Stopwatch.GetTimestamp();
        Model.Adapters.ZeroGradients();
        using IBoundaryStore boundaries = _boundaryFolder is { } folder ? new FileBoundaryStore(folder) : new HostBoundaryStore(Model.Ledger);
        new GradientPass(Model, boundaries, _keptLayers, _chunkTokens) { OnBetweenLayers = Resident is { } limit ? limit.Keep : null }.Run(_batches);
        _optimizer.ClipGradients(1);
        _optimizer.Step(1e-4);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void Dispose()
    {
        foreach (MicroBatch batch in _batches) batch.Dispose();
        _optimizer.Dispose();
        Model.Dispose();
    }

    private long[] Row(Random random, long length) => [.. Enumerable.Range(0, (int)length).Select(_ => (long)random.Next(Model.Architecture.VocabularySize))];
}
