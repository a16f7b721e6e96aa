using Lema.Engine.Errors;

namespace Lema.Engine.Devices;

/// <summary>The CUDA driver refused a call.</summary>
/// <param name="call">Name of the driver function.</param>
/// <param name="code">Its CUresult.</param>
public sealed class CudaException(string call, int code, string text) : LemaException($"{call}: {text} (CUDA error {code}). See docs/cuda.md for what to check.")
{
    public string Call { get; } = call;

    public int Code { get; } = code;
}
