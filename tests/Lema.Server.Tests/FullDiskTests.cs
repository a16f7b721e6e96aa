using Lema.Engine.Errors;
using Lema.Server.Storage;

namespace Lema.Server.Tests;

public sealed class FullDiskTests
{
    private const int NoSpaceLeft = 28, InputOutput = 5;

    [Fact]
    public void IsWhy_OfEachKindOfError_IsTrueOfAFullDiskAlone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The numbers are those of Linux.");
        Assert.True(FullDisk.IsWhy(new IOException("write", NoSpaceLeft)));
        Assert.False(FullDisk.IsWhy(new IOException("write", InputOutput)));
        Assert.True(FullDisk.IsWhy(new StorageException("file", 0, "write", new IOException("write", NoSpaceLeft))));
        Assert.False(FullDisk.IsWhy(new StorageException("file", 0, "write")));
        Assert.False(FullDisk.IsWhy(new InvalidOperationException("no write")));
    }
}
