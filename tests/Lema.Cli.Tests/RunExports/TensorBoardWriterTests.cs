using System.Buffers.Binary;
using Google.Protobuf;
using Lema.Cli.RunExports;

namespace Lema.Cli.Tests.RunExports;

public sealed class TensorBoardWriterTests
{
    [Fact]
    public void Compute_CheckString_IsTheKnownCrc32C() => Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));

    [Fact]
    public void WriteHeader_KnownTime_HasTheBytesOfTensorFlow()
    {
        using MemoryStream stream = new();

        new TensorBoardWriter(stream).WriteHeader(0);

        byte[] record = [.. stream.ToArray()];
        byte[] data = [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0x1A, 0x0D, .. "brain.Event:2"u8];
        Assert.Equal((ulong)data.Length, BinaryPrimitives.ReadUInt64LittleEndian(record));
        Assert.Equal(Crc32C.Masked(record.AsSpan(0, 8)), BinaryPrimitives.ReadUInt32LittleEndian(record.AsSpan(8)));
        Assert.Equal(data, record[12..^4]);
        Assert.Equal(Crc32C.Masked(data), BinaryPrimitives.ReadUInt32LittleEndian(record.AsSpan(record.Length - 4)));
    }

    [Fact]
    public void WriteScalar_Value_IsAnEventWithStepAndSummary()
    {
        using MemoryStream stream = new();

        new TensorBoardWriter(stream).WriteScalar("train/loss", 7, 0.25, 12.5);

        CodedInputStream input = new(stream.ToArray()[12..^4]);
        Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.Fixed64), input.ReadTag());
        Assert.Equal(12.5, input.ReadDouble());
        Assert.Equal(WireFormat.MakeTag(2, WireFormat.WireType.Varint), input.ReadTag());
        Assert.Equal(7, input.ReadInt64());
        Assert.Equal(WireFormat.MakeTag(5, WireFormat.WireType.LengthDelimited), input.ReadTag());
        CodedInputStream summary = new(input.ReadBytes().ToByteArray());
        Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), summary.ReadTag());
        CodedInputStream value = new(summary.ReadBytes().ToByteArray());
        Assert.Equal(WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited), value.ReadTag());
        Assert.Equal("train/loss", value.ReadString());
        Assert.Equal(WireFormat.MakeTag(2, WireFormat.WireType.Fixed32), value.ReadTag());
        Assert.Equal(0.25f, value.ReadFloat());
        Assert.True(input.IsAtEnd && value.IsAtEnd);
    }
}
