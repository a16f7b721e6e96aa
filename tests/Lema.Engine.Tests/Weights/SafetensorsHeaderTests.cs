using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Weights;
using Lema.Testing.Safetensors;
using TorchSharp;

namespace Lema.Engine.Tests.Weights;

public sealed class SafetensorsHeaderTests : IDisposable
{
    private const long FixedAllocationBytes = 1 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("lema-safetensors-").FullName;

    public static TheoryData<string> CaseNames => [.. SafetensorsCases.All.Select(one => one.Name)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Read_Case_GivesTheVerdictWithinTheMemoryOfTheFile(string name)
    {
        SafetensorsCase one = SafetensorsCases.All.Single(candidate => candidate.Name == name);
        string path = Write(one);
        long before = GC.GetAllocatedBytesForCurrentThread();
        if (one.Accept)
        {
            SafetensorsHeader.Read(path);
        }
        else
        {
            var error = Assert.Throws<InvalidInputException>(() => SafetensorsHeader.Read(path));
            Assert.Equal(path, error.InputSource);
            Assert.NotEmpty(error.Place);
            Assert.DoesNotContain(error.Message, character => char.IsControl(character));
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * one.Content.Length + FixedAllocationBytes);
    }

    [Fact]
    public void Read_LengthWithoutBytesBehindIt_AllocatesNothingForThem()
    {
        string path = Write(SafetensorsCases.All.Single(one => one.Name == "frame-length-limit"));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidInputException>(() => SafetensorsHeader.Read(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Read_NameWhoseTextIsLongerThanAnyEscapedOne_IsRefusedBeforeItIsDecoded()
    {
        string path = Path.Combine(_folder, "name.safetensors");
        byte[] json = [.. "{\""u8, .. Enumerable.Repeat((byte)'n', 6 * 65_536 + 1), .. "\":{}}"u8];
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((ulong)json.Length), .. json]);
        Assert.Contains("over 65536 bytes", Assert.Throws<InvalidInputException>(() => SafetensorsHeader.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_WhatIsNotThereOrIsNoFile_IsATypedError()
    {
        Assert.Contains("no such file", Assert.Throws<InvalidInputException>(() => SafetensorsHeader.Read(Path.Combine(_folder, "absent"))).Message, StringComparison.Ordinal);
        Assert.Equal(_folder, Assert.Throws<StorageException>(() => SafetensorsHeader.Read(_folder)).File);
    }

    [Fact]
    public void Read_FileThatEndsBeforeItsLength_IsAStorageError()
    {
        // The system gives such files the length of a page, whatever they hold.
        const string Short = "/sys/class/net/lo/mtu";
        Assert.SkipUnless(File.Exists(Short), "Linux has a file that is shorter than it says.");
        Assert.Contains("ended while its header was read", Assert.Throws<StorageException>(() => SafetensorsHeader.Read(Short)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MisalignedData_IsCopiedRight()
    {
        using var scope = torch.NewDisposeScope();
        SafetensorsCase one = SafetensorsCases.All.Single(candidate => candidate.Name == "accept-misaligned");
        var tensors = SafetensorsFile.Load(Write(one));
        Assert.Equal(one.Content[^8..], TensorMemory.Bytes(tensors["b"]).ToArray());
    }

    [Fact]
    public void Save_ThenLoad_GivesTheSameTensors()
    {
        using var scope = torch.NewDisposeScope();
        Dictionary<string, torch.Tensor> tensors = new()
        {
            ["weight"] = torch.rand(3, 4, dtype: torch.bfloat16),
            ["transposed <b>"] = torch.rand(5, 2).t(),
            ["scalar"] = torch.tensor(3.5),
            ["empty"] = torch.empty(0, 7),
            ["ids"] = torch.arange(9),
        };
        string path = Path.Combine(_folder, "saved.safetensors");
        SafetensorsFile.Save(path, tensors);
        SafetensorsHeader header = SafetensorsHeader.Read(path);
        Assert.Equal(tensors.Keys, header.Tensors.Select(tensor => tensor.Name));
        Assert.Equal("pt", header.Metadata["format"]);
        Assert.Equal(0, header.DataOffset % 8);
        foreach ((string name, torch.Tensor loaded) in SafetensorsFile.Load(path))
        {
            Assert.Equal(tensors[name].dtype, loaded.dtype);
            Assert.Equal(TensorMemory.Bytes(tensors[name].contiguous()).ToArray(), TensorMemory.Bytes(loaded).ToArray());
        }
    }

    private string Write(SafetensorsCase one)
    {
        string path = Path.Combine(_folder, one.Name + ".safetensors");
        File.WriteAllBytes(path, one.Content);
        return path;
    }
}
