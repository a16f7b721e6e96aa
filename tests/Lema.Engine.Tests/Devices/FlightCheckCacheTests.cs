using Lema.Engine.Devices;
using Lema.Engine.Streaming.Planning;
using TorchSharp;

namespace Lema.Engine.Tests.Devices;

public sealed class FlightCheckCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lema-speeds-").FullName;

    private string CacheFile => Path.Combine(_folder, "new", "speeds.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void GetOrMeasure_Twice_MeasuresOnceForEachType()
    {
        int measured = 0;
        MeasuredSpeeds Measure() => new(++measured, 2, 3);
        Assert.Equal(1, new FlightCheckCache(CacheFile).GetOrMeasure("model", torch.ScalarType.BFloat16, Measure).DiskBytesPerSecond);
        Assert.Equal(1, new FlightCheckCache(CacheFile).GetOrMeasure("model", torch.ScalarType.BFloat16, Measure).DiskBytesPerSecond);
        Assert.Equal(2, new FlightCheckCache(CacheFile).GetOrMeasure("model", torch.ScalarType.Float32, Measure).DiskBytesPerSecond);
    }

    [Fact]
    public void GetOrMeasure_BrokenFile_MeasuresAnew()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(CacheFile)!);
        File.WriteAllText(CacheFile, "{");
        Assert.Equal(7, new FlightCheckCache(CacheFile).GetOrMeasure("model", torch.ScalarType.BFloat16, () => new MeasuredSpeeds(7, 2, 3)).DiskBytesPerSecond);
    }

    [Fact]
    public void DiskBytesPerSecond_SmallFile_IsPositive()
    {
        string file = Path.Combine(_folder, "data");
        File.WriteAllBytes(file, new byte[70_000]);
        Assert.True(FlightCheck.DiskBytesPerSecond(file) > 0);
    }
}
