using System.Buffers.Binary;
using Lema.Engine.Errors;
using Lema.Engine.Weights;

namespace Lema.Engine.Datasets.Batches;

/// <summary>
/// A dataset that is tokenized and batched already: a .safetensors with int64 <c>input_ids</c>, <c>attention_mask</c> and <c>labels</c> of
/// [steps, batch, length] or [steps, micro-batches, batch, length], used in that order and over again when it ends. Rows are read as they are needed.
/// </summary>
public sealed class PretokenizedData : ITrainingData
{
    private static readonly string[] Names = ["input_ids", "attention_mask", "labels"];

    private readonly string _path;
    private readonly PositionalFile _file;
    private readonly long[] _offsets;
    private readonly int _steps, _microBatches, _batch, _length;

    private PretokenizedData(string path, PositionalFile file, long[] offsets, IReadOnlyList<long> shape)
    {
        (_path, _file, _offsets) = (path, file, offsets);
        _steps = checked((int)shape[0]);
        _microBatches = shape.Count == 4 ? checked((int)shape[1]) : 1;
        (_batch, _length) = (checked((int)shape[^2]), checked((int)shape[^1]));
    }

    public int RowCount => checked(_steps * _microBatches * _batch);

    public int Steps => _steps;

    /// <summary>Micro-batches of a step; the run's own setting does not count.</summary>
    public int MicroBatches => _microBatches;

    /// <summary>Opens a file and checks its tensors' names, types and shapes.</summary>
    /// <exception cref="InvalidInputException">It is not a pre-tokenized dataset; the message says why.</exception>
    public static PretokenizedData Open(string path)
    {
        SafetensorsHeader header = SafetensorsHeader.Read(path);
        SafetensorsTensor[] tensors = [.. Names.Select(name => Find(header, name))];
        IReadOnlyList<long> shape = tensors[0].Shape;
        if (shape.Count is not (3 or 4) || shape.Any(size => size is 0 or > int.MaxValue))
        {
            throw new InvalidInputException(path, Names[0], "must be [steps, batch, length] or [steps, micro-batches, batch, length], none of them 0.");
        }
        foreach (SafetensorsTensor other in tensors.Where(other => !other.Shape.SequenceEqual(shape)))
        {
            throw new InvalidInputException(path, other.Name, $"has the shape [{string.Join(", ", other.Shape)}], {Names[0]} has [{string.Join(", ", shape)}].");
        }
        return new PretokenizedData(path, PositionalFile.Open(path), [.. tensors.Select(tensor => header.DataOffset + tensor.Begin)], shape);
    }

    public int StepsFor(double epochs) => checked((int)Math.Ceiling(epochs * _steps));

    public double MeanStepTokens() => Enumerable.Range(0, RowCount).Sum(row => Values(1, row).Sum()) / (double)_steps;

    public IReadOnlyList<TokenizedRow> MicroBatch(int step, int microBatch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(microBatch, _microBatches);
        long first = ((long)(step % _steps) * _microBatches + microBatch) * _batch;
        return [.. Enumerable.Range(0, _batch).Select(row => Row(first + row))];
    }

    public void Dispose() => _file.Dispose();

    private TokenizedRow Row(long row)
    {
        long[] ids = Values(0, row), mask = Values(1, row), labels = Values(2, row);
        int length = Array.FindIndex(mask, value => value != 1) is var end and >= 0 ? end : mask.Length;
        if (length == 0 || mask.Skip(length).Any(value => value != 0)) throw Invalid(row, Names[1], "must be ones followed by zeros: rows are padded on the right.");
        if (labels.Skip(length).Any(label => label != TokenizedRow.Ignored)) throw Invalid(row, Names[2], $"must be {TokenizedRow.Ignored} where attention_mask is 0.");
        if (Array.FindIndex(ids, 0, length, id => id is < 0 or > int.MaxValue) is var bad and >= 0) throw Invalid(row, Names[0], $"{ids[bad]} is not a token id.");
        return new TokenizedRow(ids[..length], labels[..length]);
    }

    private long[] Values(int tensor, long row)
    {
        byte[] bytes = new byte[_length * sizeof(long)];
        _file.Fill(bytes, _offsets[tensor] + row * bytes.Length);
        long[] values = new long[_length];
        for (int index = 0; index < _length; index++) values[index] = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(index * sizeof(long)));
        return values;
    }

    private InvalidInputException Invalid(long row, string name, string problem) => new(_path, $"{name}, row {row}", problem);

    private static SafetensorsTensor Find(SafetensorsHeader header, string name)
    {
        SafetensorsTensor tensor = header.Tensors.FirstOrDefault(tensor => tensor.Name == name)
            ?? throw new InvalidInputException(header.File, name, "is missing; a pre-tokenized dataset has input_ids, attention_mask and labels.");
        return tensor.Dtype == "I64" ? tensor : throw new InvalidInputException(header.File, name, $"is {tensor.Dtype}, it must be I64.");
    }
}
