using Lema.Engine.Streaming;

namespace Lema.Engine.Training;

/// <summary>
/// Updates a layer's parameters beside the backward pass of the layers below it, on a thread of its own: reading and writing state that lies in a file costs no time then.
/// Possible where an update depends on its own layer's gradients alone. Lives as long as the run.
/// </summary>
public sealed class LayerUpdates(AdamW optimizer) : IDisposable
{
    private readonly WorkThread _thread = new("lema layer updates");
    private readonly List<Task> _updates = [];
    private readonly List<double> _norms = [];

    /// <summary>Whether no update needs the gradients of all layers: they are not clipped by their total norm and have no loss scale that may be too large.</summary>
    public static bool Support(RunSettings settings) => settings.ClipGradNorm == 0 && settings.Precision != Precision.Fp16;

    /// <summary>Takes a layer whose gradients are complete; the first one begins a step.</summary>
    public void Add(int layer, double learningRate)
    {
        if (_updates.Count == 0) optimizer.Steps++;
        _updates.Add(_thread.Run(() => _norms.AddRange(optimizer.StepLayer(layer, learningRate))));
    }

    /// <summary>Waits for the updates of the step and returns the total norm of its gradients.</summary>
    public double Finish()
    {
        try
        {
            foreach (Task update in _updates) update.GetAwaiter().GetResult();
            return Math.Sqrt(_norms.Sum(norm => norm * norm));
        }
        finally
        {
            _updates.Clear();
            _norms.Clear();
        }
    }

    public void Dispose() => _thread.Dispose();
}
