using System.Diagnostics;
using System.Globalization;
using Lema.Engine.Checkpoints;
using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Cache;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Streaming;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Weights;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>
/// The training loop. State exists at step boundaries only: a stop discards the step in progress and saves the last finished one, and everything a later step depends
/// on is in the checkpoint or a pure function of the settings, so a resumed run computes what the uninterrupted one would have, bit for bit.
/// </summary>
public sealed class TrainingRun : IDisposable
{
    private const int StepsUntilComparison = 10, StepsBetweenTrims = 50;

    private readonly TrainingJob _job;
    private readonly Action<TrainingEvent> _publish;
    private readonly Action<RestingRun>? _betweenSteps;
    private readonly CancellationToken _stop;
    private readonly IDevice _device;
    private readonly LanguageModel _model;
    private readonly ITrainingData _data;
    private readonly AdamW _optimizer;
    private readonly IDisposable _moments;
    private readonly LayerUpdates? _updates;
    private readonly LossScaler _scaler;
    private readonly CheckpointStore _store;
    private readonly TrainingCheckpoint _checkpoint;
    private readonly TrainingHistory _history;
    private readonly RunEvaluation? _evaluation;
    private readonly MemoryPlan _plan;
    private readonly ResidentLimit _resident;
    private readonly int _steps;
    private readonly double _forecast;
    private readonly RestingRun _resting;
    private readonly List<double> _stepSeconds = [];
    private int _stepsTaken;

    private TrainingRun(TrainingJob job, IDevice device, Action<TrainingEvent> publish, Action<RestingRun>? betweenSteps, CancellationToken stop)
    {
        (_job, _device, _publish, _betweenSteps, _stop) = (job, device, publish, betweenSteps, stop);
        RunSettings settings = job.Settings;
        RunSettingsValidator.ThrowIfInvalid(settings);
        // A limit is kept at the price of mapping buffers anew; who states none has a share of the machine, and speed.
        if (settings.Memory.TotalBytes is not null) NativeHeap.ReturnFreedMemory();
        publish(new PhaseChanged("Opening the model and the dataset"));
        DecoderModel architecture = ModelFamilies.Read(job.ModelFolder);
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(job.ModelFolder);
        Tokenizer? tokenizer = File.Exists(Path.Combine(job.ModelFolder, "tokenizer.json")) || File.Exists(Path.Combine(job.ModelFolder, "tokenizer.model"))
            ? Tokenizer.Load(job.ModelFolder)
            : null;
        _data = TrainingData.Open(job.DatasetFile, tokenizer, settings, new Tokenizing(publish), stop);
        _steps = settings.Steps ?? _data.StepsFor(settings.Epochs!.Value);
        publish(new PhaseChanged("Measuring disk and processor"));
        PlanRequest request = RunPlan.Request(architecture, index, settings, RunPlan.Speeds(index, settings.Precision), ComputeDevices.UsableBytes(device), job.GivenBytes, WorkDivision.Read(job.RunFolder));
        _plan = MemoryPlan.Make(request);
        _resident = new ResidentLimit(_plan.HostBytes);
        new WorkDivision(_plan.MicroBatchRows, _plan.ChunkTokens).Write(job.RunFolder);
        _model = LanguageModel.Open(job.ModelFolder, new()
        {
            Precision = settings.Precision, WeightBytes = _plan.WeightBytes, Device = device, DeviceBytes = _plan.DeviceWeightBytes, TrainedOnDevice = _plan.State == StatePlace.Device,
            Adapters = (model, tensors) => TrainedWeights.Create(model, tensors, settings, _plan.State == StatePlace.File ? job.RunFolder : null),
        });
        publish(new StreamOpened(_model.Stream, _model.Ledger));
        _optimizer = new(_model.Adapters.Parameters, settings);
        _updates = LayerUpdates.Support(settings) ? new(_optimizer) : null;
        _moments = _model.StateLedger.Charge("moments", _model.Adapters.Storage is null ? 2 * sizeof(float) * _model.Adapters.ParameterCount : 0);
        long planned = device.SharesHostMemory ? _plan.HostBytes - request.RuntimeBytes : _plan.DeviceBytes;
        _resting = new(_model, planned - _model.ComputeLedger.TotalBytes, _plan.MicroBatchRows * request.Length, job.RunFolder);
        _scaler = new(settings.Precision);
        _store = new(job.CheckpointFolder, settings.Checkpoint.KeepLast);
        _checkpoint = new(_model, settings, TrainedWeights.EffectiveLora(settings), _optimizer, _scaler, RunIdentity.Of(job.ModelFolder, index, job.DatasetFile));
        _history = new(settings, _steps, _data);
        _evaluation = job.EvaluationFile is { } file && settings.Evaluation.EverySteps > 0 ? new(_model, tokenizer, file, job.ModelFolder, settings, _resting.OwnBounds) : null;
        double achieved = ProbedFlops(request);
        _forecast = _plan.SecondsAt(request, request.Speeds with { FlopsPerSecond = achieved });
        publish(new PlanMade(_plan with { SecondsPerStep = _forecast }, request with { Speeds = request.Speeds with { FlopsPerSecond = achieved } }, _steps));
    }

    /// <summary>Runs a job to its end, or until it is asked to stop. Runs on the calling thread, which has to be a dedicated one.</summary>
    /// <param name="publish">Receives what happens, on this thread.</param>
    /// <param name="stop">Ends the run after the step in progress is discarded, with a checkpoint of the last finished one.</param>
    /// <param name="betweenSteps">Called before each step, on this thread: the run waits meanwhile and can make replies.</param>
    /// <exception cref="Errors.LemaException">The job cannot run: settings, model, dataset, budget, or disk. What has been saved stays.</exception>
    /// <param name="device">Where to compute; null: where <see cref="ComputeDevices.Open"/> says.</param>
    public static TrainingResult Execute(TrainingJob job, Action<TrainingEvent> publish, CancellationToken stop, Action<RestingRun>? betweenSteps = null, IDevice? device = null)
    {
        using IDevice? opened = device is null ? ComputeDevices.Open() : null;
        using var scope = NewDisposeScope();
        TrainingRun made;
        try
        {
            made = new(job, device ?? opened!, publish, betweenSteps, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop while the dataset was still being read: nothing has been trained since the newest checkpoint.
            return new(Stopped: true, new CheckpointStore(job.CheckpointFolder, job.Settings.Checkpoint.KeepLast).FindLatest().Found?.Step ?? 0);
        }
        using TrainingRun run = made;
        return run.Loop();
    }

    public void Dispose()
    {
        _updates?.Dispose();
        _optimizer.Dispose();
        _moments.Dispose();
        _model.Dispose();
        _data.Dispose();
    }

    private TrainingResult Loop()
    {
        int step = Resume();
        long saved = step;
        if (step == 0) Evaluate(0);
        _publish(new PhaseChanged("Training", (double)step / _steps));
        bool stalled = _history.HasStalled;
        while (step < _steps && !stalled)
        {
            _betweenSteps?.Invoke(_resting);
            if (!TrainStep(step)) break;
            step++;
            bool last = step == _steps;
            CheckpointMetric? metric = last || IsEvery(_job.Settings.Evaluation.EverySteps, step) ? Evaluate(step) : null;
            stalled = metric is not null && _history.HasStalled;
            if (last || stalled || IsEvery(_job.Settings.Checkpoint.EverySteps, step)) saved = Save(step, metric);
        }
        if (step > saved) saved = Save(step, null);
        if (stalled) _publish(new Notice($"Ended early at step {step}: the last {_job.Settings.Evaluation.Patience} evaluations were no better than one before them."));
        return new(step < _steps && !stalled, saved);
    }

    private static bool IsEvery(int interval, int step) => interval > 0 && step % interval == 0;

    private int Resume()
    {
        Checkpoint? found;
        if (_job.ResumeStep is { } wanted) found = _store.Find(wanted);
        else
        {
            CheckpointSearch search = _store.FindLatest();
            foreach (CheckpointFault fault in search.PassedOver) _publish(new Notice($"A checkpoint is damaged and was passed over: {fault}"));
            found = search.Found;
        }
        if (found is null) return 0;
        _history.Restore(_checkpoint.Restore(found.Folder));
        _publish(new Notice($"Going on from the checkpoint of step {found.Step}."));
        if (_job.Recorded is { } recorded)
            foreach (TrainingEvent missing in _history.Beyond(recorded)) _publish(missing);
        return (int)found.Step;
    }

    /// <summary>One optimizer update; false, with nothing changed, when the run was asked to stop.</summary>
    private bool TrainStep(int step)
    {
        if (_stop.IsCancellationRequested) return false;
        using var scope = NewDisposeScope();
        RunSettings settings = _job.Settings;
        long start = Stopwatch.GetTimestamp();
        StreamStatistics before = _model.Stream.Statistics;
        MicroBatch[] batches = Batches(step);
        using IBoundaryStore boundaries = Boundaries();
        double loss, rate = LearningRate.At(settings, step, _steps);
        _model.Adapters.ZeroGradients();
        try
        {
            GradientPass pass = new(_model, boundaries, _plan.KeptLayers, _plan.ChunkTokens)
            {
                Stop = _stop, LossScale = _scaler.Scale,
                OnLoss = value => DivergedException.ThrowUnlessFinite(step + 1, value),
                OnBetweenLayers = _resident.Keep,
                OnLayerDone = _updates is null ? null : layer => _updates.Add(layer, rate),
            };
            loss = pass.Run(batches, new(settings.Seed, step, 0));
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            foreach (MicroBatch batch in batches) batch.Dispose();
        }
        double norm = Update(step, rate);
        if ((step + 1) % StepsBetweenTrims == 0) NativeHeap.Trim();
        StreamStatistics after = _model.Stream.Statistics;
        StepCompleted completed = new(step + 1, loss, rate, norm, batches.Sum(batch => (long)batch.Tokens.TokenCount), Stopwatch.GetElapsedTime(start).TotalSeconds,
            after.DiskStallSeconds + after.DeviceStallSeconds - before.DiskStallSeconds - before.DeviceStallSeconds, after.DiskBytes - before.DiskBytes, ProcessMemory.PeakRssBytes, _model.Ledger.TotalBytes, _model.Ledger.PeakBytes);
        _history.Add(completed);
        _publish(completed);
        CompareWithForecast(completed);
        return true;
    }

    /// <summary>Ends the update of the step, or makes it, and returns the total norm of its gradients.</summary>
    private double Update(int step, double rate)
    {
        if (_updates is not null) return _updates.Finish();
        double norm = _optimizer.ClipGradients(_job.Settings.ClipGradNorm, _scaler.Scale);
        if (_scaler.Accepts(norm)) _optimizer.Step(rate);
        else _publish(new Notice($"Step {step + 1}: the float16 gradients overflowed; the update is skipped and the loss scale is now {_scaler.Scale}."));
        return norm;
    }

    private IBoundaryStore Boundaries()
    {
        IBoundaryStore host = _plan.Boundaries == BoundaryPlace.File ? new FileBoundaryStore(_job.RunFolder) : new HostBoundaryStore(_model.Ledger);
        return _device.SharesHostMemory ? host : new CopiedBoundaryStore(host, _device.TorchDevice);
    }

    /// <summary>The rate of one block, from which the time of a step is forecast.</summary>
    private double ProbedFlops(PlanRequest request)
    {
        using var scope = NewDisposeScope();
        MicroBatch[] batches = Batches(0);
        try
        {
            return BlockProbe.FlopsPerSecond(_model, batches[0], request.BlockParameters / request.Blocks);
        }
        finally
        {
            foreach (MicroBatch batch in batches) batch.Dispose();
        }
    }

    private void CompareWithForecast(StepCompleted step)
    {
        if (_stepSeconds.Count == StepsUntilComparison) _stepSeconds.RemoveAt(0);
        _stepSeconds.Add(step.Seconds);
        if (++_stepsTaken != StepsUntilComparison && step.Step != _steps) return;
        double[] ordered = [.. _stepSeconds.Order()];
        double median = ordered[ordered.Length / 2];
        _publish(new Notice(string.Create(CultureInfo.InvariantCulture,
            $"A step takes {median:G3} s (median of {ordered.Length}); the forecast for full rows was {_forecast:G3} s. Waiting for weights: {step.StallSeconds / step.Seconds:P0} of the last step.")));
    }

    private MicroBatch[] Batches(int step)
    {
        IEnumerable<IEnumerable<(long[] Ids, long[] Labels)>> batches = Enumerable.Range(0, _job.Settings.GradientAccumulation)
            .Select(micro => _data.MicroBatch(step, micro).Select(row => (row.Ids, row.Labels)));
        // In one batch a layer's experts are brought in once a visit; separately it would be once a micro-batch. The result is the same.
        if (_model.Architecture.HasExperts) batches = [batches.SelectMany(rows => rows)];
        return [.. batches.SelectMany(rows => rows.Chunk(_plan.MicroBatchRows)).Select(rows => MicroBatch.Of(rows, _device.TorchDevice))];
    }

    private CheckpointMetric? Evaluate(int step)
    {
        if (_evaluation is null) return null;
        _publish(new PhaseChanged("Evaluating", (double)step / _steps));
        EvaluationCompleted result;
        try
        {
            result = _evaluation.Run(step, _stop);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        _history.Add(result);
        _publish(result);
        _publish(new PhaseChanged("Training", (double)step / _steps));
        return result.Metric(_job.Settings.Evaluation.Metric);
    }

    private long Save(int step, CheckpointMetric? metric)
    {
        HashSet<long> before = [.. _store.List().Select(checkpoint => checkpoint.Step)];
        Checkpoint saved = _store.Save(step, folder => _checkpoint.Write(folder, _history.State(step)), metric);
        before.ExceptWith(_store.List().Select(checkpoint => checkpoint.Step));
        _publish(new CheckpointSaved(step, saved.Folder, [.. before.Order()]));
        return step;
    }

    private sealed class Tokenizing(Action<TrainingEvent> publish) : IProgress<DatasetProgress>
    {
        public void Report(DatasetProgress value) =>
            publish(new PhaseChanged(string.Create(null, stackalloc char[128], $"Tokenizing: {value.Rows:N0} rows, {value.Rows / Math.Max(value.Seconds, 1e-3):N0} rows/s")));
    }
}
