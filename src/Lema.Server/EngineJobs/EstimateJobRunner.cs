using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Streaming.Planning;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using Lema.Server.Datasets;
using Lema.Server.Workers;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Plans a run without starting it: memory, bytes streamed, and from measured speeds the time.</summary>
internal static class EstimateJobRunner
{
    public static void Run(Proto.EstimateJob job, IJobContext context)
    {
        RunSettings settings = job.Settings.ToEngine(initAdapter: "");
        DecoderModel model = ModelFamilies.Read(job.ModelFolder);
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(job.ModelFolder);
        using ITrainingData data = DatasetErrors.Named([(job.DatasetFile, job.Dataset)], () => TrainingData.Open(job.DatasetFile, TokenizerOf(job.ModelFolder), settings));
        int steps = settings.Steps ?? data.StepsFor(settings.Epochs!.Value);
        PlanRequest request = RunPlan.Request(model, index, settings, RunPlan.Speeds(index, settings.Precision), ComputeDevices.AcceleratorBytes);
        Proto.Estimate estimate;
        try
        {
            estimate = PlanMapping.ToProto(MemoryPlan.Make(request), request, steps, data.MeanStepTokens());
        }
        catch (BudgetExceededException refused)
        {
            estimate = new() { Fits = false, Reason = refused.Message, Steps = steps, TokensPerStep = request.StepTokens, TrainableParameters = request.TrainedParameters, MeanTokensPerStep = data.MeanStepTokens() };
        }
        (estimate.LeastWeightBytes, estimate.LeastTotalBytes) = MemoryPlan.Least(request);
        estimate.BaseParameters = index.Tensors.Sum(Elements);
        context.Publish(new Proto.WorkerEvent { Plan = estimate });
        context.Publish(new Proto.WorkerEvent { Completed = new Proto.JobCompleted() });
    }

    private static Tokenizer? TokenizerOf(string folder) =>
        File.Exists(Path.Combine(folder, "tokenizer.json")) || File.Exists(Path.Combine(folder, "tokenizer.model")) ? Tokenizer.Load(folder) : null;

    private static long Elements(TensorEntry tensor) => tensor.Shape.Aggregate(1L, (product, size) => product * size);
}
