namespace Lema.Engine.Training;

/// <summary>One run, or the rest of one.</summary>
/// <param name="ModelFolder">Hugging Face folder of the base model, prepared or not.</param>
/// <param name="DatasetFile">What is trained on.</param>
/// <param name="EvaluationFile">Rows that play no part in training; null: no evaluation.</param>
/// <param name="RunFolder">Where <c>checkpoints/</c> is kept. Nothing is written elsewhere.</param>
/// <param name="ResumeStep">Step of the checkpoint to go on from; null: the newest that verifies, or the beginning where there is none.</param>
/// <param name="Recorded">How much of the run whoever follows it has on record: what the checkpoint holds beyond that is told again. Null: nothing is.</param>
/// <param name="GivenBytes">Host memory to plan with where the settings state no total; null: half of the machine's.</param>
public sealed record TrainingJob(
    string ModelFolder, string DatasetFile, string? EvaluationFile, RunSettings Settings, string RunFolder, long? ResumeStep = null, RecordedProgress? Recorded = null, long? GivenBytes = null)
{
    public string CheckpointFolder => Path.Combine(RunFolder, "checkpoints");
}

/// <param name="Step">The last step on record; 0: none.</param>
/// <param name="EvaluationStep">The step of the last evaluation on record; -1: none.</param>
public sealed record RecordedProgress(long Step, long EvaluationStep);

/// <summary>How a run ended.</summary>
/// <param name="Stopped">Before its last step, because it was asked to.</param>
/// <param name="SavedStep">The step that the newest checkpoint holds.</param>
public sealed record TrainingResult(bool Stopped, long SavedStep);
