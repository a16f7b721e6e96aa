using System.Diagnostics;
using System.Globalization;
using Lema.Engine.Errors;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Conformance;

/// <summary>
/// Verdicts on untrusted .safetensors files: each has to be taken or refused as <c>safetensors-verdicts.tsv</c> beside the folder says, refused
/// with a typed error that names the file, within 100 ms and without allocating beyond the file's size. A case that is a folder is opened as a model.
/// </summary>
public sealed class SafetensorsSuite : ISuite
{
    private const double LongestRefusalMilliseconds = 100;
    private const long FixedAllocationBytes = 1 << 20;
    private const int Attempts = 3;

    public string Name => "safetensors";

    public IEnumerable<CaseResult> Run(string folder)
    {
        foreach ((string name, string verdict) in Verdicts(folder))
        {
            string? path = new[] { name, name + ".safetensors" }.Select(file => Path.Combine(folder, file)).FirstOrDefault(Path.Exists);
            yield return path is null ? new CaseResult(name, false, "no such file in the folder") : Judge(name, path, verdict);
        }
    }

    private static IEnumerable<(string Case, string Verdict)> Verdicts(string folder)
    {
        const string file = "safetensors-verdicts.tsv";
        string beside = Path.Combine(Path.GetDirectoryName(folder.TrimEnd('/'))!, file);
        string[] lines = File.ReadAllLines(File.Exists(beside) ? beside : Path.Combine(folder, file));
        string[] header = lines[0].Split('\t');
        int name = Array.IndexOf(header, "case"), verdict = Array.IndexOf(header, "verdict");
        return lines.Skip(1).Where(line => line.Length > 0).Select(line => line.Split('\t')).Select(cells => (cells[name], cells[verdict]));
    }

    private static CaseResult Judge(string name, string path, string verdict)
    {
        (Exception? refusal, double milliseconds, long allocated) = Fastest(path);
        if (refusal is not null and not InvalidInputException) return new CaseResult(name, false, $"untyped {refusal.GetType().Name}: {refusal.Message}");
        if (verdict == "accept" && refusal is not null) return new CaseResult(name, false, $"refused: {refusal.Message}");
        if (verdict == "reject" && refusal is null) return new CaseResult(name, false, "accepted");
        if (refusal is not null && !refusal.Message.Contains(Path.GetFileName(path), StringComparison.Ordinal)) return new CaseResult(name, false, $"the message does not name the file: {refusal.Message}");
        if (refusal is not null && milliseconds > LongestRefusalMilliseconds) return new CaseResult(name, false, $"refused after {milliseconds:F1} ms");
        if (refusal is not null && File.Exists(path) && allocated > new FileInfo(path).Length + FixedAllocationBytes) return new CaseResult(name, false, $"allocated {allocated} bytes");
        return new CaseResult(name, true, milliseconds.ToString("F3", CultureInfo.InvariantCulture) + " ms");
    }

    /// <summary>The verdict, and the time of the fastest of a few attempts, as the first pays for compilation and others for the neighbours.</summary>
    private static (Exception? Refusal, double Milliseconds, long Allocated) Fastest(string path)
    {
        Exception? refusal = null;
        double fastest = double.MaxValue;
        long allocated = long.MaxValue;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            long bytes = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            refusal = Refusal(path);
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - bytes);
        }
        return (refusal, fastest, allocated);
    }

    private static Exception? Refusal(string path)
    {
        try
        {
            if (Directory.Exists(path)) GlobalBinaryIndex.Open(path);
            else Read(path);
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
    }

    /// <summary>The header, and the values of every tensor that libtorch has a type for.</summary>
    private static void Read(string path)
    {
        SafetensorsHeader header = SafetensorsHeader.Read(path);
        if (header.Tensors.Any(tensor => SafetensorsDtype.ScalarTypeOf(tensor.Dtype) is null)) return;
        using var scope = torch.NewDisposeScope();
        SafetensorsFile.Load(header);
    }
}
