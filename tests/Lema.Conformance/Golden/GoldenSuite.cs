using System.Text.Json;

namespace Lema.Conformance.Golden;

/// <summary>Every case computed by the streaming engine with a budget that does not hold the model, and compared with transformers and PEFT.</summary>
public sealed class GoldenSuite : ISuite
{
    public string Name => "golden";

    public IEnumerable<CaseResult> Run(string folder)
    {
        foreach (string caseFolder in Directory.GetDirectories(folder).Where(f => File.Exists(Path.Combine(f, "case.json"))).Order(StringComparer.Ordinal))
            yield return RunCase(caseFolder);
    }

    public static CaseResult RunCase(string folder)
    {
        string name = Path.GetFileName(folder);
        try
        {
            using JsonDocument description = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json")));
            if (description.RootElement.GetProperty("mode").GetString() == "quantisation" || File.Exists(Path.Combine(folder, "quantised.safetensors")))
                return new(name, false, "quantisation is not implemented");
            using GoldenCase golden = new(folder);
            Comparison comparison = new(golden);
            new GoldenRun(golden, comparison).Run();
            return comparison.Problems.Count == 0
                ? new(name, true, comparison.Worst.ToString("0.000", null))
                : new(name, false, string.Join("; ", comparison.Problems.Take(6)) + (comparison.Problems.Count > 6 ? $"; and {comparison.Problems.Count - 6} more" : ""));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return new(name, false, $"{e.GetType().Name}: {e.Message} {e.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("Lema", StringComparison.Ordinal))?.Trim()}");
        }
    }
}
