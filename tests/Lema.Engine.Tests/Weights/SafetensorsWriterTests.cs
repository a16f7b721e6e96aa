using Lema.Engine.Weights;
using Lema.Testing;
using TorchSharp;

namespace Lema.Engine.Tests.Weights;

public sealed class SafetensorsWriterTests
{
    [Fact]
    public void Write_OtherThanAnnounced_IsRefused()
    {
        using TemporaryFolder folder = new();
        using SafetensorsWriter writer = new(folder.File("a.safetensors"), [new SafetensorsSpec("a", "F32", [2, 3])]);
        Assert.Contains("for a", Assert.Throws<ArgumentException>(() => writer.Write(torch.zeros(2, 3, dtype: torch.ScalarType.BFloat16))).Message, StringComparison.Ordinal);
        Assert.Contains("[3, 2]", Assert.Throws<ArgumentException>(() => writer.Write(torch.zeros(3, 2))).Message, StringComparison.Ordinal);
        writer.Write(torch.zeros(2, 3));
        Assert.Equal(24, writer.DataBytes);
        Assert.Throws<InvalidOperationException>(() => writer.Write(torch.zeros(2, 3)));
    }

    [Fact]
    public void Complete_WithoutAllData_IsRefused()
    {
        using TemporaryFolder folder = new();
        using SafetensorsWriter writer = new(folder.File("a.safetensors"), [new SafetensorsSpec("a", "F32", [2])]);
        Assert.Throws<InvalidOperationException>(writer.Complete);
    }

    [Fact]
    public void New_WithANameTwice_IsRefused()
    {
        using TemporaryFolder folder = new();
        SafetensorsSpec spec = new("a", "F32", [2]);
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(folder.File("a.safetensors"), [spec, spec]));
    }

    [Fact]
    public void New_WithoutMetadata_WritesNone()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("a.safetensors");
        using (SafetensorsWriter writer = new(file, [new SafetensorsSpec("a", "F32", [])], new Dictionary<string, string>(), dataAlignment: 4096))
        {
            writer.Write(torch.ones([], dtype: torch.ScalarType.Float32));
            writer.Complete();
        }
        SafetensorsHeader header = SafetensorsHeader.Read(file);
        Assert.Empty(header.Metadata);
        Assert.Equal(4096, header.DataOffset);
    }

    [Fact]
    public void Save_OfATypeThatTheFormatLacks_IsRefused()
    {
        using TemporaryFolder folder = new();
        Assert.Throws<ArgumentException>(() => SafetensorsFile.Save(folder.File("a.safetensors"), [KeyValuePair.Create("a", torch.zeros(2, dtype: torch.ScalarType.ComplexFloat64))]));
    }
}
