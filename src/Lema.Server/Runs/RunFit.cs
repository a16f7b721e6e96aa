using Lema.Engine.Adapters;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.EngineJobs;
using Lema.Server.Jobs;
using Lema.Server.Models;

namespace Lema.Server.Runs;

/// <summary>Whether settings fit a model and this machine, told before a run is queued.</summary>
internal static class RunFit
{
    /// <exception cref="InvalidInputException">LoRA targets that the model does not have.</exception>
    /// <exception cref="BudgetExceededException">The weights do not stream within their budget, or the machine has too little memory.</exception>
    public static void Check(ModelDescription model, RunSettings settings, string adapterFolder, MemoryLedger memory)
    {
        if (settings.Lora is { } lora) TargetModules.Find(model.Architecture, SettingsMapping.ToEngine(lora));
        long needed = JobMemory.ForTraining(model, settings, adapterFolder);
        if (needed > memory.TotalBytes) throw new BudgetExceededException(needed, memory.TotalBytes, "The run, by its memory settings and model,");
    }
}
