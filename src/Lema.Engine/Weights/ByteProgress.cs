namespace Lema.Engine.Weights;

/// <summary>How far a copy or a hash has come, in bytes.</summary>
public readonly record struct ByteProgress(long DoneBytes, long TotalBytes);
