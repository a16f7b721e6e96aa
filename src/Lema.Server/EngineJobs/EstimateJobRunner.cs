using Lema.Engine.Adapters;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Models;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using Lema.Server.Workers;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Plans a run without starting it: memory, bytes streamed, and from measured speeds the time.</summary>
internal static class EstimateJobRunner
{
    /// <summary>libtorch, the runtime and the code, as the engine's own plan counts them.</summary>
    private const long RuntimeBytes = 400L << 20;

    public static void Run(Proto.EstimateJob job, IJobContext context)
    {
        RunSettings settings = job.Settings.ToEngine(initAdapter: "");
        DecoderModel model = ModelFamilies.Read(job.ModelFolder);
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(job.ModelFolder);
        ModelUnits units = ModelUnits.Of(model, index);
        using ITrainingData data = TrainingData.Open(job.DatasetFile, TokenizerOf(job.ModelFolder), settings);
        ActivationPlan activations = ActivationPlan.Make(model, settings, index.TotalBytes);

        long[] unitBytes = [.. units.Units.Select(unit => unit.ByteCount)];
        long all = unitBytes.Sum(), budget = Math.Min(settings.Memory.WeightBytes ?? all, all), leastWeights = Math.Min(all, 2 * unitBytes.Max());
        long trained = TrainedParameters(model, settings);
        Proto.TierPlan host = new() { Tier = Proto.Tier.Host, BudgetBytes = settings.Memory.TotalBytes ?? 0, Units = unitBytes.Length };
        void Add(string name, long bytes) => host.Items.Add(new Proto.PlanItem { Name = name, Bytes = bytes });
        Add("weights", budget);
        Add("trained parameters, gradients and moments", trained * sizeof(float) * 4);
        Add("boundary activations", activations.BoundaryBytes);
        Add("kept activations", activations.LayerBytes * activations.KeptLayers);
        Add("runtime", RuntimeBytes);
        host.UsedBytes = host.Items.Sum(item => item.Bytes);
        host.ResidentUnits = budget >= all ? unitBytes.Length : (int)Math.Max(0, (budget - leastWeights) / unitBytes.Max());

        int steps = settings.Steps ?? data.StepsFor(settings.Epochs!.Value);
        long tokens = data.MicroBatch(0, 0).Sum(row => (long)row.Length) * settings.GradientAccumulation;
        long streamed = budget >= all ? 0 : 2 * (all - Math.Max(0, budget - leastWeights));
        long leastTotal = host.UsedBytes - budget - activations.LayerBytes * (activations.KeptLayers - 1) + leastWeights;
        MachineSpeed speed = MachineSpeed.Measure(settings.Precision, index.Tensors[0].File);
        double compute = 6.0 * index.Tensors.Sum(Elements) * tokens / speed.FlopsPerSecond;
        double seconds = Math.Max(compute, speed.DiskBytesPerSecond > 0 ? streamed / speed.DiskBytesPerSecond : 0);
        bool fits = budget >= leastWeights && (settings.Memory.TotalBytes is not { } total || total >= leastTotal);
        context.Publish(new Proto.WorkerEvent
        {
            Plan = new Proto.Estimate
            {
                Fits = fits,
                Reason = fits ? "" : budget < leastWeights
                    ? $"memory.weightBytes has to hold two units: at least {leastWeights:N0} bytes." : $"memory.totalBytes is too small: at least {leastTotal:N0} bytes.",
                LeastWeightBytes = leastWeights, LeastTotalBytes = leastTotal, Tiers = { host }, StreamedBytesPerStep = streamed, SecondsPerStep = seconds, Seconds = seconds * steps,
                Steps = steps, TokensPerStep = tokens, TrainableParameters = trained, BaseParameters = index.Tensors.Sum(Elements), DiskBytesPerSecond = speed.DiskBytesPerSecond,
                FlopsPerSecond = speed.FlopsPerSecond,
            },
        });
        context.Publish(new Proto.WorkerEvent { Completed = new Proto.JobCompleted() });
    }

    private static Tokenizer? TokenizerOf(string folder) =>
        File.Exists(Path.Combine(folder, "tokenizer.json")) || File.Exists(Path.Combine(folder, "tokenizer.model")) ? Tokenizer.Load(folder) : null;

    private static long TrainedParameters(DecoderModel model, RunSettings settings) => TrainedWeights.EffectiveLora(settings) is { } lora
        ? TargetModules.Find(model, lora).Sum(target => (long)target.Rank * (target.Linear.In + target.Linear.Out)) : WholeParameter.All(model).Sum(parameter => parameter.Shape.Aggregate(1L, (a, b) => a * b));

    private static long Elements(TensorEntry tensor) => tensor.Shape.Aggregate(1L, (product, size) => product * size);
}
