using Lema.Engine.Adapters;
using Lema.Engine.Devices;
using Lema.Engine.Models.Autodiff;
using Lema.Engine.Models.Sequences;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Models;

/// <summary>
/// A model ready to compute: its architecture, the stream of its weights, and what is trained on top. Every layer is visited through <see cref="Visit"/>, which
/// leases its unit for as long as the visit lasts. Used by one compute thread; lives as long as the job.
/// </summary>
public sealed class LanguageModel : IDisposable
{
    private readonly LayerWeights[] _blocks;
    private readonly LayerWeights _embeddingLayer, _finalNorm;
    private readonly IDisposable[] _charges;
    private readonly MemoryLedger _deviceLedger;
    private readonly bool _borrowsStream;

    private LanguageModel(DecoderModel architecture, ModelUnits units, IWeightStream stream, AdapterWeights adapters, ModelOptions options)
        : this(architecture, units, stream, adapters, options.ComputeType, options.Device, new MemoryLedger(), new MemoryLedger())
    {
        _charges =
        [
            Ledger.Charge("slots and pinned units", stream.SlotBytes),
            ComputeLedger.Charge("slots and pinned units", stream.DeviceSlotBytes),
            StateLedger.Charge("trained parameters and gradients", adapters.Storage is null ? 2 * sizeof(float) * adapters.ParameterCount : 0),
        ];
    }

    private LanguageModel(LanguageModel lender, AdapterWeights adapters)
        : this(lender.Architecture, lender.Units, lender.Stream, adapters, lender.ComputeType, lender.Device, lender.Ledger, lender._deviceLedger)
    {
        adapters.MoveTo(TorchDevice);
        _borrowsStream = true;
        _charges = [StateLedger.Charge("adapter on loan", sizeof(float) * adapters.ParameterCount)];
    }

    private LanguageModel(
        DecoderModel architecture, ModelUnits units, IWeightStream stream, AdapterWeights adapters, ScalarType computeType, IDevice device, MemoryLedger ledger, MemoryLedger deviceLedger)
    {
        (Architecture, Units, Stream, Adapters, ComputeType, Device, Ledger, _deviceLedger, _charges) = (architecture, units, stream, adapters, computeType, device, ledger, deviceLedger, []);
        _blocks = [.. Enumerable.Range(0, architecture.BlockCount).Select(block => Weights(architecture.BlockPrefix(block)))];
        (_embeddingLayer, _finalNorm) = (Weights(""), Weights(""));
    }

    /// <summary>Opens a Hugging Face folder, prepared or not.</summary>
    /// <exception cref="Errors.LemaException">The folder is not a valid model of a known family, or the budget does not hold two of its layers.</exception>
    public static LanguageModel Open(string folder, ModelOptions options)
    {
        DecoderModel architecture = ModelFamilies.Read(folder);
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(folder);
        ModelUnits units = ModelUnits.Of(architecture, index);
        AdapterWeights adapters = options.Adapters?.Invoke(architecture, index) ?? AdapterWeights.None;
        try
        {
            if (options.TrainedOnDevice) adapters.MoveTo(options.Device.TorchDevice);
            WeightStreamOptions slots = new() { BudgetBytes = options.WeightBytes ?? index.TotalBytes * 2, DirectIo = options.DirectIo };
            return new(architecture, units, WeightStream.Open(units.Units, slots, options.Device, options.DeviceBytes ?? slots.BudgetBytes), adapters, options);
        }
        catch
        {
            adapters.Dispose();
            throw;
        }
    }

    public DecoderModel Architecture { get; }

    public ModelUnits Units { get; }

    public IWeightStream Stream { get; }

    public AdapterWeights Adapters { get; }

    public ScalarType ComputeType { get; }

    public IDevice Device { get; }

    public Device TorchDevice => Device.TorchDevice;

    /// <summary>What the job's long-lived buffers take of the host's memory, by use.</summary>
    public MemoryLedger Ledger { get; }

    /// <summary>The same for the memory that is computed in: the device's own, where it has one.</summary>
    public MemoryLedger ComputeLedger => Device.SharesHostMemory ? Ledger : _deviceLedger;

    /// <summary>The same for the memory that trained parameters and their moments live in.</summary>
    public MemoryLedger StateLedger => Adapters.IsOn(TorchDevice) ? ComputeLedger : Ledger;

    public PassConstants Shared { get; } = new();

    /// <summary>The same stream of weights with something else on top, to generate with. Takes the adapter over; has to be disposed before this model is used again.</summary>
    public LanguageModel With(AdapterWeights adapters) => new(this, adapters);

    /// <summary>Until the result is disposed, an adapter's A and B are cast once and not at every visit: nothing trained may change meanwhile.</summary>
    public IDisposable HoldAdapters() => new HeldAdapters(this);

    /// <summary>What that takes beside the adapter.</summary>
    internal long HeldAdapterBytes => ComputeType == ScalarType.Float32 ? 0 : sizeof(ushort) * Adapters.Modules.Values.Sum(module => module.ParameterCount);

    /// <summary>Input of the first block, [tokens, hidden] in the compute type.</summary>
    public Variable Embed(TokenBatch batch, Tape? tape = null, IReadOnlyList<SequenceState>? states = null)
    {
        LayerPass pass = new(-1, _embeddingLayer, batch, Shared, tape, states);
        long[] positions = [.. batch.Segments.SelectMany(s => Enumerable.Range(s.Past, s.Length)).Select(p => (long)p)];
        return Architecture.Embed(pass, Rows(pass, Units.Embedding, Adapters.Embedding, batch.Ids), extra =>
            Rows(pass, Units.EmbeddingExtras.Single(entry => entry.Name == extra), Adapters.Whole.GetValueOrDefault(extra), positions));
    }

    /// <summary>Runs an action with the weights of a block on the device.</summary>
    public void Visit(int block, Action<LayerWeights> action)
    {
        Visit(_blocks[block], Units.Block(block), action, new BlockExperts(this, block));
        Adapters.Release(block);
    }

    /// <summary>Runs an action with the weights of the final norm on the device.</summary>
    public void VisitFinalNorm(Action<LayerWeights> action) => Visit(_finalNorm, Units.FinalNorm, action, null);

    /// <summary>All blocks without gradients: [tokens, hidden], before the final norm.</summary>
    /// <param name="states">One for each segment when generating; appended to.</param>
    public Variable Forward(TokenBatch batch, IReadOnlyList<SequenceState>? states = null)
    {
        Stream.Schedule(Enumerable.Range(0, _blocks.Length).Select(Units.Block).Append(Units.FinalNorm).Concat(Adapters.Head is null ? Units.HeadTiles : []));
        Variable x = Embed(batch, states: states);
        for (int block = 0; block < _blocks.Length; block++)
        {
            Visit(block, weights =>
            {
                using var scope = NewDisposeScope();
                Variable y = Architecture.Block(new(block, weights, batch, Shared, States: states), block, x);
                x.Value.Dispose();
                x = new(y.Value.MoveToOuterDisposeScope());
            });
        }
        return x;
    }

    /// <summary>The final norm of some hidden states [n, hidden].</summary>
    public Variable Normalize(TokenBatch batch, Variable x)
    {
        VisitFinalNorm(weights => x = Architecture.FinalNorm(new(_blocks.Length, weights, batch, Shared), x));
        return x;
    }

    public void Dispose()
    {
        Shared.Dispose();
        Adapters.Dispose();
        if (!_borrowsStream) Stream.Dispose();
        foreach (IDisposable charge in _charges) charge.Dispose();
    }

    private Variable Rows(LayerPass pass, TensorEntry matrix, TrainedParameter? trained, long[] rows)
    {
        Tensor values = trained is null ? Stream.GatherRows(matrix, rows) : trained.Value.index_select(0, tensor(rows, device: trained.Value.device));
        return pass.Record(values.to(ComputeType, TorchDevice), [], gradient =>
            trained?.Gradient.index_add_(0, tensor(rows, device: trained.Gradient.device), gradient.to(ScalarType.Float32, trained.Gradient.device), 1));
    }

    private LayerWeights Weights(string prefix) => new(prefix, ComputeType, TorchDevice, Adapters.Whole, Adapters.Modules);

    private void Visit(LayerWeights weights, int unit, Action<LayerWeights> action, IExpertSource? experts)
    {
        weights.Attach(Stream.Acquire(unit), experts);
        try
        {
            action(weights);
        }
        finally
        {
            weights.Detach();
        }
    }

    private sealed class HeldAdapters : IDisposable
    {
        private readonly LayerWeights[] _layers;
        private readonly IDisposable _charge;

        public HeldAdapters(LanguageModel model)
        {
            _layers = model._blocks;
            _charge = model.ComputeLedger.Charge("adapter in the compute type", model.HeldAdapterBytes);
            foreach (LayerWeights layer in _layers) layer.HoldAdapter();
        }

        public void Dispose()
        {
            foreach (LayerWeights layer in _layers) layer.LetAdapterGo();
            _charge.Dispose();
        }
    }

    private sealed class BlockExperts(LanguageModel model, int block) : IExpertSource
    {
        public void Announce(IEnumerable<int> experts) => model.Stream.ScheduleNext(experts.Select(expert => model.Units.Expert(block, expert)));

        public UnitLease Acquire(int expert) => model.Stream.Acquire(model.Units.Expert(block, expert));
    }
}
