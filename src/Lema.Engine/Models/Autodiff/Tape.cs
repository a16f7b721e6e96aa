using static TorchSharp.torch;

namespace Lema.Engine.Models.Autodiff;

/// <summary>
/// Reverse-mode differentiation of one layer for one micro-batch: operations record how to pass a gradient back, and <see cref="Backward"/> runs that in
/// reverse. It exists beside torch's autograd because a streamed weight is not at the same place, or not in memory at all, when its gradient step
/// comes: an operation looks its weight up again in the lease of the moment instead of saving a view of a slot that has another layer in it by then.
/// </summary>
public sealed class Tape : IDisposable
{
    private readonly Stack<Operation> _operations = new();
    private readonly Dictionary<Tensor, int> _saved = new(ReferenceEqualityComparer.Instance);

    /// <summary>Bytes of the tensors saved for the backward pass.</summary>
    public long SavedBytes => _saved.Keys.Sum(tensor => tensor.NumberOfElements * tensor.ElementSize);

    /// <summary>Records one operation.</summary>
    /// <param name="output">What it computed.</param>
    /// <param name="saved">Tensors that <paramref name="backward"/> reads, kept alive until it has run.</param>
    /// <param name="backward">Receives the gradient of <paramref name="output"/>, which is disposed afterwards, and accumulates into the inputs.</param>
    public void Record(Variable output, ReadOnlySpan<Tensor> saved, Action<Tensor> backward)
    {
        foreach (Tensor tensor in saved) _saved[tensor] = _saved.GetValueOrDefault(tensor) + 1;
        _operations.Push(new(output, saved.ToArray(), backward));
    }

    /// <summary>Makes what was saved survive the dispose scope of the forward pass.</summary>
    public void OutliveScope()
    {
        foreach (Tensor tensor in _saved.Keys) tensor.DetachFromDisposeScope();
    }

    /// <summary>Passes the gradient of the last output back to every input, releasing what was saved on the way.</summary>
    public void Backward(Variable output, Tensor gradient)
    {
        output.Accumulate(gradient);
        while (_operations.TryPop(out Operation operation))
        {
            if (operation.Output.TakeGradient() is { } incoming)
            {
                operation.Backward(incoming);
                incoming.Dispose();
            }
            foreach (Tensor tensor in operation.Saved) Release(tensor);
        }
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _saved.Keys) tensor.Dispose();
        _saved.Clear();
        _operations.Clear();
    }

    private void Release(Tensor tensor)
    {
        if (--_saved[tensor] > 0) return;
        _saved.Remove(tensor);
        tensor.Dispose();
    }

    private readonly record struct Operation(Variable Output, Tensor[] Saved, Action<Tensor> Backward);
}
