using TorchSharp;

namespace Lema.Engine.Tests;

public sealed class LibTorchTests
{
    [Fact]
    public void Matmul_OfOnes_LoadsLibTorchAndMultiplies()
    {
        using var scope = torch.NewDisposeScope();
        Assert.Equal(4f, torch.ones(2, 4).mm(torch.ones(4, 2)).mean().item<float>());
    }

    /// <summary>As shipped, TorchSharp lets a scalar be finalized while libtorch reads it (build/KeepScalarsAlive.cs), and this fails most times without that.</summary>
    [Fact]
    public async Task Scalars_CollectionsOnAnotherThread_StayAlive()
    {
        using CancellationTokenSource enough = new();
        Task collections = Task.Run(() =>
        {
            while (!enough.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });
        using (torch.NewDisposeScope())
        {
            torch.Tensor sum = torch.zeros(1, torch.ScalarType.Float64), one = torch.ones(1, torch.ScalarType.Float64);
            const int Rounds = 60_000;
            for (int i = 0; i < Rounds; i++) sum.add_(one.mul(2)).add_(1).sub_(one.pow(2));
            Assert.Equal(2.0 * Rounds, sum.item<double>());
        }
        await enough.CancelAsync();
        await collections;
    }
}
