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
    /// <summary>The modules that LoRA is put on; none where the base model itself is trained.</summary>
    /// <exception cref="InvalidInputException">LoRA targets that the model does not have.</exception>
    public static IReadOnlyList<TargetModule> CheckTargets(ModelDescription model, RunSettings settings) =>
        settings.Lora is { } lora ? TargetModules.Find(model.Architecture, SettingsMapping.ToEngine(lora)) : [];

    /// <exception cref="BudgetExceededException">The weights do not stream within their budget, or the machine has too little memory.</exception>
    public static void CheckMemory(ModelDescription model, RunSettings settings, string adapterFolder, MemoryLedger memory)
    {
        long needed = JobMemory.ForTraining(model, settings, adapterFolder);
        if (needed > memory.TotalBytes) throw new BudgetExceededException(needed, memory.TotalBytes, "The run, by its memory settings and model,");
    }
}
