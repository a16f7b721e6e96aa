using Lema.Engine.Errors;
using Lema.Server.Storage;
using Lema.Server.Tests.Faults;

namespace Lema.Server.Tests;

public sealed class FullDiskTests
{
    [Fact]
    public void IsWhy_OfEachKindOfError_IsTrueOfAFullDiskAlone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The numbers are those of Linux.");
        Assert.True(FullDisk.IsWhy(new IOException("write", RefusedWrites.NoSpaceLeft)));
        Assert.False(FullDisk.IsWhy(new IOException("write", RefusedWrites.InputOutput)));
        Assert.True(FullDisk.IsWhy(new StorageException("file", 0, "write", new IOException("write", RefusedWrites.NoSpaceLeft))));
        Assert.False(FullDisk.IsWhy(new StorageException("file", 0, "write")));
        Assert.False(FullDisk.IsWhy(new InvalidOperationException("no write")));
    }
}
