using System.Diagnostics;
using Lema.Engine.Models;
using Lema.Engine.Models.Autodiff;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>Times the first block at a run's own shape, so that a forecast rests on the rate that a step really reaches on this machine.</summary>
public static class BlockProbe
{
    /// <summary>Buffers are mapped and code is compiled in the first runs; later ones show the pace of a long run.</summary>
    private const int WarmUp = 2;

    private const int LeastRuns = WarmUp + 1;
    private const int MostRuns = WarmUp + 12;
    private const double EnoughSeconds = 4;

    /// <summary>Floating-point operations a second of one block's forward and backward pass, 4 for each parameter and token (the base is frozen).</summary>
    /// <param name="blockParameters">Parameters of the block that a token passes through.</param>
    public static double FlopsPerSecond(LanguageModel model, MicroBatch batch, long blockParameters)
    {
        using var noGrad = no_grad();
        List<double> seconds = [];
        long start = 0;
        model.Stream.Schedule(Enumerable.Repeat(model.Units.Block(0), MostRuns));
        while (seconds.Count < LeastRuns || (seconds.Count < MostRuns && Stopwatch.GetElapsedTime(start).TotalSeconds < EnoughSeconds))
        {
            if (seconds.Count == WarmUp) start = Stopwatch.GetTimestamp();
            model.Visit(0, weights => seconds.Add(Seconds(model, weights, batch)));
        }
        model.Adapters.ZeroGradients();
        // A long run meets the machine's slow moments too: the median, not the best.
        double[] counted = [.. seconds.Skip(WarmUp).Order()];
        return 4.0 * blockParameters * batch.Tokens.TokenCount / counted[counted.Length / 2];
    }

    private static double Seconds(LanguageModel model, LayerWeights weights, MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        Tensor values = randn(batch.Tokens.TokenCount, model.Architecture.HiddenSize).to(model.ComputeType, model.TorchDevice);
        long start = Stopwatch.GetTimestamp();
        using Tape tape = new();
        Variable input = new(values);
        Variable output = model.Architecture.Block(new LayerPass(0, weights, batch.Tokens, model.Shared, tape, null), 0, input);
        tape.Backward(output, ones_like(output.Value));
        model.Device.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
