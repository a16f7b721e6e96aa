using Lema.Engine.Streaming;
using Lema.Engine.Weights;

namespace Lema.Engine.Tests.Streaming;

/// <summary>A model file of random bytes in a temporary folder, with units of random tensors and tiles, and the bytes that each view has to show.</summary>
internal sealed class RandomModel : IDisposable
{
    private static readonly (string Dtype, int Bytes)[] Types = [("F32", 4), ("BF16", 2), ("U8", 1), ("I64", 8)];

    private readonly byte[] _file;

    /// <param name="uniform">Every unit one whole matrix of one size.</param>
    public RandomModel(int seed, int units, bool uniform = false)
    {
        Random random = new(seed);
        Folder = Directory.CreateTempSubdirectory("lema-stream-").FullName;
        List<SafetensorsSpec> specs = [];
        List<string[]> names = [];
        for (int unit = 0; unit < units; unit++)
        {
            names.Add([.. Enumerable.Range(0, uniform ? 1 : random.Next(1, 4)).Select(index => $"unit{unit}.tensor{index}")]);
            foreach (string name in names[^1])
            {
                long[] shape = uniform ? [32, 64] : random.Next(8) == 0 ? [] : [random.Next(0, 40), random.Next(1, 70)];
                specs.Add(new SafetensorsSpec(name, Types[uniform ? 0 : random.Next(Types.Length)].Dtype, shape));
            }
        }
        string path = Path.Combine(Folder, "model.safetensors");
        using (SafetensorsWriter writer = new(path, specs))
        {
            byte[] data = new byte[specs.Sum(spec => spec.ByteCount)];
            random.NextBytes(data);
            writer.Write(data);
            writer.Complete();
        }
        _file = File.ReadAllBytes(path);
        Index = GlobalBinaryIndex.Open(Folder);
        Units = [.. names.Select((tensors, unit) => new StreamUnit($"unit{unit}", [.. tensors.Select(name => uniform ? new TensorSlice(Index[name]) : Slice(random, Index[name]))]))];
    }

    public string Folder { get; }

    public string FilePath => Path.Combine(Folder, "model.safetensors");

    public GlobalBinaryIndex Index { get; }

    public IReadOnlyList<StreamUnit> Units { get; }

    public long UnitBytes => Units.Max(unit => new UnitLayout(unit).ByteCount);

    public ReadOnlySpan<byte> Expected(TensorSlice slice) =>
        _file.AsSpan((int)(slice.Tensor.Offset + slice.FirstRow * slice.Tensor.RowByteCount), (int)slice.ByteCount);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static TensorSlice Slice(Random random, TensorEntry tensor)
    {
        if (tensor.Shape.Count == 0 || random.Next(3) > 0) return new TensorSlice(tensor);
        int rows = (int)tensor.Shape[0];
        int first = random.Next(rows + 1);
        return new TensorSlice(tensor, first, random.Next(rows - first + 1));
    }
}
