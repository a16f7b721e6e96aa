using Lema.Engine.Training;
using TorchSharp;

namespace Lema.Engine.Tests.Streaming;

public sealed class FileBoundaryStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lema-boundaries-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Take_InReverseOverTwoSteps_GivesWhatWasPut()
    {
        using var scope = torch.NewDisposeScope();
        using FileBoundaryStore store = new(_folder);
        for (int step = 0; step < 2; step++)
        {
            Dictionary<(int, int), torch.Tensor> put = [];
            for (int block = 0; block < 5; block++)
            {
                for (int micro = 0; micro < 3; micro++)
                {
                    torch.Tensor activation = torch.rand(40 + micro, 65, dtype: micro == 1 ? torch.bfloat16 : torch.float32);
                    put.Add((block, micro), activation.clone());
                    store.Put(block, micro, activation);
                }
            }
            Assert.Empty(Directory.GetFiles(_folder));
            for (int block = 4; block >= 0; block--)
            {
                for (int micro = 0; micro < 3; micro++)
                {
                    torch.Tensor taken = store.Take(block, micro);
                    Assert.Equal(put[(block, micro)].dtype, taken.dtype);
                    Assert.True(put[(block, micro)].eq(taken).all().item<bool>());
                }
            }
        }
    }

    [Fact]
    public void Take_OutOfOrder_StillGivesTheRightOne()
    {
        using var scope = torch.NewDisposeScope();
        using FileBoundaryStore store = new(_folder);
        torch.Tensor first = torch.rand(4, 8), second = torch.rand(4, 8), third = torch.rand(4, 8);
        store.Put(0, 0, first.clone());
        store.Put(1, 0, second.clone());
        store.Put(2, 0, third.clone());
        Assert.True(store.Take(2, 0).eq(third).all().item<bool>());
        Assert.True(store.Take(0, 0).eq(first).all().item<bool>());
        Assert.True(store.Take(1, 0).eq(second).all().item<bool>());
        Assert.Throws<InvalidOperationException>(() => store.Take(1, 0));
    }
}
