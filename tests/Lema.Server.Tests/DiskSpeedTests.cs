using Lema.Server.EngineJobs;
using Lema.Testing;

namespace Lema.Server.Tests;

public sealed class DiskSpeedTests
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(31L << 20, false)]
    [InlineData(64L << 20, true)]
    public void DiskSpeed_OfWhatIsFree_IsMeasuredWhereThereIsRoomAndLeavesNothing(long freeBytes, bool measured)
    {
        using TemporaryFolder folder = new();

        Assert.Equal(measured, DiagnoseJobRunner.DiskSpeed(folder.Path, freeBytes) > 0);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
