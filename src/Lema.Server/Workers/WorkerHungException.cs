namespace Lema.Server.Workers;

/// <summary>A worker that was ended because it no longer answered or did nothing.</summary>
internal sealed class WorkerHungException(string problem) : Exception($"The engine worker hung and was ended: {problem}.");
