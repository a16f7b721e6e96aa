using Lema.Engine.Errors;
using Lema.Engine.Storage;

namespace Lema.Engine.Tests.Storage;

public sealed class StorageFaultTests
{
    [Theory]
    [InlineData(28, true)]
    [InlineData(122, true)]
    [InlineData(unchecked((int)0x80070070), true)]
    [InlineData(5, false)]
    public void From_IoFault_KnowsAFullDisk(int code, bool full)
    {
        StorageException fault = StorageFault.From("/data/file", new IOException("said the system", code));
        Assert.Equal(full, fault.IsDiskFull);
        Assert.Equal(full, fault.Message.Contains("free space", StringComparison.Ordinal));
        Assert.Contains("/data/file", fault.Message, StringComparison.Ordinal);
        Assert.Contains("said the system", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void From_TypedFault_LeavesItAsItIs()
    {
        StorageException typed = new("/data/other", 7, "broken");
        Assert.Same(typed, StorageFault.From("/data/file", typed));
    }

    [Fact]
    public void From_RefusedAccess_NamesTheFile() =>
        Assert.Contains("/data/file", StorageFault.From("/data/file", new UnauthorizedAccessException("denied")).Message, StringComparison.Ordinal);

    [Fact]
    public void SyncFolder_ThatCannotBe_FailsWithTheSystemsWords()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Windows orders its metadata by itself.");
        Assert.Contains("No such file", Assert.Throws<IOException>(() => FileLayer.Instance.SyncFolder("/no/such/folder")).Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => FileLayer.Instance.SyncFolder("/proc"));
    }
}
