using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Datasets;
using Lema.Server.Jobs;
using Lema.Server.Models;
using Lema.Server.Storage;

namespace Lema.Server.Runs;

/// <summary>Turns a run's names into the folders and files of a worker's job. Lives as long as the daemon.</summary>
internal sealed class RunJobs(ModelRegistry models, DatasetRegistry datasets, AdapterFinder adapters, DataFolder data)
{
    /// <exception cref="NotFoundException">Model, dataset or adapter are no longer there.</exception>
    public TrainJob Create(RunDetail run, long resumeStep) => new()
    {
        RunId = run.Summary.Id,
        ModelFolder = models.StreamingFolder(models.Get(run.Summary.Model)),
        DatasetFile = datasets.FileOf(run.Summary.Dataset),
        EvaluationFile = run.EvaluationDataset.Length > 0 ? datasets.FileOf(run.EvaluationDataset) : "",
        Settings = run.Settings,
        GivenBytes = MemoryOf(run),
        InitAdapterFolder = AdapterOf(run),
        RunFolder = data.RunFolder(run.Summary.Id),
        ResumeStep = resumeStep,
        RecordedStep = run.Summary.Step,
        Dataset = run.Summary.Dataset,
        EvaluationDataset = run.EvaluationDataset,
        RecordedEvaluationStep = run.Evaluations.Count > 0 ? run.Evaluations.Max(e => e.Step) : -1,
    };

    public long MemoryOf(RunDetail run) => JobMemory.ForTraining(ModelDescription.Read(models.StreamingFolder(models.Get(run.Summary.Model))), run.Settings, AdapterOf(run));

    private string AdapterOf(RunDetail run) => run.Settings.HasInitAdapter ? adapters.Find(run.Settings.InitAdapter) : "";
}
