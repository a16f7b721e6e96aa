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
}
