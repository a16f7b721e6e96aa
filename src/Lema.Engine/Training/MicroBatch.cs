using Lema.Engine.Models;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>The rows of one micro-batch without their padding, and where they carry loss.</summary>
public sealed class MicroBatch : IDisposable
{
    /// <summary>Label that is ignored, as in torch and transformers.</summary>
    public const long Ignored = -100;

    private MicroBatch(TokenBatch tokens, long[] positions, long[] targets, Device? device)
    {
        Tokens = tokens;
        LossPositions = tensor(positions, device: device).DetachFromDisposeScope();
        Targets = tensor(targets, device: device).DetachFromDisposeScope();
    }

    public TokenBatch Tokens { get; }

    /// <summary>int64 [targets]: tokens whose next token is to be predicted.</summary>
    public Tensor LossPositions { get; }

    /// <summary>int64 [targets]: the tokens that follow them.</summary>
    public Tensor Targets { get; }

    public int TargetCount => (int)Targets.size(0);

    /// <param name="rows">Token ids and labels of each row, without padding; label t says what token t itself is, so it is predicted at t - 1.</param>
    /// <param name="device">Where it will be computed; null: the processor.</param>
    public static MicroBatch Of(IReadOnlyList<(long[] Ids, long[] Labels)> rows, Device? device = null)
    {
        List<long> positions = [], targets = [];
        int start = 0;
        foreach ((long[] ids, long[] labels) in rows)
        {
            for (int t = 1; t < ids.Length; t++)
            {
                if (labels[t] == Ignored) continue;
                positions.Add(start + t - 1);
                targets.Add(labels[t]);
            }
            start += ids.Length;
        }
        return new(new([.. rows.SelectMany(row => row.Ids)], rows.Select(row => row.Ids.Length), device: device), [.. positions], [.. targets], device);
    }

    public void Dispose()
    {
        Tokens.Dispose();
        LossPositions.Dispose();
        Targets.Dispose();
    }
}
