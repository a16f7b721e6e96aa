using System.Buffers.Binary;
using Google.Protobuf;

namespace Lema.Cli.RunExports;

/// <summary>
/// Writes scalar series as a TensorBoard event file: TFRecord framing (length, masked CRC-32C, data, masked CRC-32C) around tensorflow.Event
/// messages (tensorflow/core/util/event.proto).
/// </summary>
internal sealed class TensorBoardWriter(Stream stream)
{
    private const int EventWallTime = 1;
    private const int EventStep = 2;
    private const int EventFileVersion = 3;
    private const int EventSummary = 5;
    private const int SummaryValue = 1;
    private const int ValueTag = 1;
    private const int ValueSimple = 2;

    /// <summary>The first record of every event file.</summary>
    /// <param name="wallTime">Seconds since 1970.</param>
    public void WriteHeader(double wallTime) => WriteRecord(Message(output =>
    {
        WriteDouble(output, EventWallTime, wallTime);
        output.WriteTag(EventFileVersion, WireFormat.WireType.LengthDelimited);
        output.WriteString("brain.Event:2");
    }));

    /// <param name="tag">Such as <c>train/loss</c>.</param>
    /// <param name="step">Optimizer updates made so far.</param>
    /// <param name="wallTime">Seconds since 1970.</param>
    public void WriteScalar(string tag, long step, double value, double wallTime)
    {
        byte[] scalar = Message(output =>
        {
            output.WriteTag(ValueTag, WireFormat.WireType.LengthDelimited);
            output.WriteString(tag);
            output.WriteTag(ValueSimple, WireFormat.WireType.Fixed32);
            output.WriteFloat((float)value);
        });
        byte[] summary = Message(output => WriteBytes(output, SummaryValue, scalar));
        WriteRecord(Message(output =>
        {
            WriteDouble(output, EventWallTime, wallTime);
            output.WriteTag(EventStep, WireFormat.WireType.Varint);
            output.WriteInt64(step);
            WriteBytes(output, EventSummary, summary);
        }));
    }

    private void WriteRecord(byte[] data)
    {
        Span<byte> length = stackalloc byte[8];
        Span<byte> checksum = stackalloc byte[4];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)data.Length);
        stream.Write(length);
        BinaryPrimitives.WriteUInt32LittleEndian(checksum, Crc32C.Masked(length));
        stream.Write(checksum);
        stream.Write(data);
        BinaryPrimitives.WriteUInt32LittleEndian(checksum, Crc32C.Masked(data));
        stream.Write(checksum);
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using MemoryStream buffer = new();
        using CodedOutputStream output = new(buffer);
        write(output);
        output.Flush();
        return buffer.ToArray();
    }

    private static void WriteDouble(CodedOutputStream output, int field, double value)
    {
        output.WriteTag(field, WireFormat.WireType.Fixed64);
        output.WriteDouble(value);
    }

    private static void WriteBytes(CodedOutputStream output, int field, byte[] value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(value));
    }
}
