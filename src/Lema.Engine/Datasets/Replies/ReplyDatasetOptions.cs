namespace Lema.Engine.Datasets.Replies;

/// <param name="Seed">Of the one generator that everything random comes from.</param>
/// <param name="TrainRows">Rows of train.jsonl.</param>
/// <param name="HeldOutRows">Rows of heldout.jsonl.</param>
/// <param name="HeldOutShare">Share of each relation's facts that is held out, within (0, 1).</param>
public sealed record ReplyDatasetOptions(int Seed = 1, int TrainRows = 5000, int HeldOutRows = 300, double HeldOutShare = 0.3);
