using System.Runtime.InteropServices;
using Lema.Engine.Streaming;
using Lema.Engine.Weights;

namespace Lema.Engine.Tests.Streaming;

/// <summary>A model file of random bytes in a temporary folder, with units of random tensors and tiles, and the bytes that each view has to show.</summary>
internal sealed class RandomModel : IDisposable
{
    private static readonly (string Dtype, int Bytes)[] Types = [("F32", 4), ("BF16", 2), ("U8", 1), ("I64", 8)];

    private readonly byte[] _file;

    /// <param name="uniform">Every unit one whole matrix of one size.</param>
    /// <param name="large">Tensors of hundreds of kilobytes, some of them at offsets that suit whole pages, some not.</param>
    public RandomModel(int seed, int units, bool uniform = false, bool large = false)
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
                long[] shape = uniform ? [32, 64] : random.Next(8) == 0 ? [] : large ? [random.Next(150, 200), 64 * random.Next(4, 9)] : [random.Next(0, 40), random.Next(1, 70)];
                specs.Add(new SafetensorsSpec(name, Types[uniform ? 0 : random.Next(Types.Length)].Dtype, shape));
            }
        }
        byte[] data = new byte[specs.Sum(spec => spec.ByteCount)];
        ulong state = (ulong)seed;
        foreach (ref ulong word in MemoryMarshal.Cast<byte, ulong>(data.AsSpan())) word = state = state * 6364136223846793005 + 1442695040888963407;
        int alignment = random.Next(2) == 0 ? 8 : HostBuffer.Alignment;
        _file = [.. SafetensorsWriter.Header(specs, new Dictionary<string, string>(), alignment), .. data];
        File.WriteAllBytes(FilePath, _file);
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
