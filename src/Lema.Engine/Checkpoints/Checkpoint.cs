namespace Lema.Engine.Checkpoints;

/// <summary>A figure by which checkpoints of a run are compared, such as <c>eval_loss</c>.</summary>
public sealed record CheckpointMetric(string Name, double Value, bool GreaterIsBetter = false)
{
    public bool IsBetterThan(CheckpointMetric other) => GreaterIsBetter ? Value > other.Value : Value < other.Value;
}

/// <param name="Step">Optimizer updates done when it was saved.</param>
/// <param name="Folder">Its folder, a PEFT adapter with the trainer's state beside it.</param>
/// <param name="Metric">As it was known when the checkpoint was saved; null without evaluation.</param>
public sealed record Checkpoint(long Step, string Folder, CheckpointMetric? Metric);

/// <summary>Why a checkpoint cannot be used.</summary>
/// <param name="File">The file that is missing or damaged.</param>
public sealed record CheckpointFault(string Folder, string File, string Problem)
{
    public override string ToString() => $"{Path.Combine(Folder, File)}: {Problem}";
}

/// <summary>The newest whole checkpoint, and the newer ones that were passed over because they are damaged.</summary>
public sealed record CheckpointSearch(Checkpoint? Found, IReadOnlyList<CheckpointFault> PassedOver);
