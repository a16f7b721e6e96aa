using Lema.Engine.Models;
using Lema.Engine.Streaming;
using Lema.Engine.Weights;
using Lema.Testing;
using static TorchSharp.torch;

namespace Lema.Engine.Tests.Models;

public sealed class TrainedParameterTests
{
    [Fact]
    public void Value_ThatStaysInItsFile_IsReadOnceAndAgainAfterItsRelease()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new();
        string file = folder.File("values.safetensors");
        SafetensorsFile.Save(file, [new("value", tensor(new[] { 1f, 2f, 3f }).to(ScalarType.BFloat16))]);
        TensorEntry stored = TensorEntries.Of(SafetensorsHeader.Read(file)).Single();
        using ModelFiles files = new();
        using TrainedParameter parameter = new("name", layer: 2, stored, files);

        Assert.Equal([1f, 2f, 3f], parameter.Value.data<float>().ToArray());
        Overwrite(file, stored, tensor(new[] { 4f, 5f, 6f }).to(ScalarType.BFloat16));
        Assert.Equal([1f, 2f, 3f], parameter.Value.data<float>().ToArray());
        parameter.Release();
        Assert.Equal([4f, 5f, 6f], parameter.Value.data<float>().ToArray());
    }

    [Fact]
    public void Value_InMemory_SurvivesRelease()
    {
        using TrainedParameter parameter = new("name", layer: 0, tensor(new[] { 1f }));
        parameter.Release();
        Assert.Equal(1f, parameter.Value.item<float>());
    }

    private static void Overwrite(string file, TensorEntry stored, Tensor value)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.Position = stored.Offset;
        stream.Write(Lema.Engine.Devices.TensorMemory.Bytes(value));
    }
}
