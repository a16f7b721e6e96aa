using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Models;
using Lema.Server.Runs;

namespace Lema.Server.Jobs;

/// <param name="Folders">Where model and adapter are.</param>
/// <param name="Label">For people.</param>
/// <param name="WeightBytes">Of the base model.</param>
/// <param name="RunId">Empty for a base model.</param>
/// <param name="ReplyFormat">The run's; null: none.</param>
internal sealed record Target(ModelFolders Folders, string Label, long WeightBytes, string RunId, ReplyFormat? ReplyFormat);

/// <summary>Finds the folders behind what a client wants to chat with or to evaluate. Lives as long as the daemon.</summary>
internal sealed class TargetResolver(ModelRegistry models, RunDirectory runs, AdapterFinder adapters)
{
    /// <param name="weightBytes">Budget for the weights; 0: none.</param>
    /// <exception cref="LemaException">Model, run or checkpoint are not there, or the request names none.</exception>
    public Target Resolve(ModelReference? reference, long weightBytes)
    {
        switch (reference?.TargetCase)
        {
            case ModelReference.TargetOneofCase.Model:
                return Build(reference.Model, "", reference.Model, run: null, weightBytes);
            case ModelReference.TargetOneofCase.Run:
                RunDetail run = runs.Get(reference.Run).Detail;
                if (reference.BaseOnly) return Build(run.Summary.Model, "", $"{run.Summary.Model} (base of {run.Summary.Name})", run, weightBytes);
                (long step, string folder) = adapters.Checkpoint(run, reference.Checkpoint);
                return Build(run.Summary.Model, folder, $"{run.Summary.Name} at step {step}", run, weightBytes);
            default:
                throw new InvalidInputException("request", "target", "name a model or a run.");
        }
    }

    private Target Build(string modelName, string adapter, string label, RunDetail? run, long weightBytes)
    {
        ModelRecord model = models.Get(modelName);
        string folder = models.StreamingFolder(model);
        long modelBytes = ModelDescription.Read(folder).Index.TotalBytes;
        ModelFolders folders = new() { Model = folder, Adapter = adapter, WeightBytes = weightBytes, Precision = run?.Settings.Precision ?? default };
        // Runs that were started before formats were recognized have only the one they name.
        ReplyFormat? format = run?.ReplyFormat ?? run?.Settings.Data?.ReplyFormat;
        return new Target(folders, label, weightBytes > 0 ? Math.Min(weightBytes, modelBytes) : modelBytes, run?.Summary.Id ?? "", format);
    }
}
