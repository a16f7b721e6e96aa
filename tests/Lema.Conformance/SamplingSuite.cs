using System.Globalization;
using System.Text.Json;
using Lema.Engine.Generation;
using Lema.Testing;

namespace Lema.Conformance;

/// <summary>
/// cases.json and sampling.safetensors: the distribution after all filters against that of transformers' logits processors. Which of several tokens with equal
/// logits top-p drops is left open by torch's unstable sort, so within such a group probabilities are compared in order of size.
/// </summary>
public sealed class SamplingSuite : ISuite
{
    /// <summary>Both sides compute softmax in float32.</summary>
    private const float Tolerance = 2e-6f;

    public string Name => "sampling";

    public IEnumerable<CaseResult> Run(string folder)
    {
        ReferenceTensors tensors = new(Path.Combine(folder, "sampling.safetensors"));
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        int index = 0;
        foreach (JsonElement element in cases.RootElement.EnumerateArray()) yield return RunCase(tensors, element, index++);
    }

    private static CaseResult RunCase(ReferenceTensors tensors, JsonElement element, int index)
    {
        string name = index.ToString(CultureInfo.InvariantCulture);
        int input = element.GetProperty("input").GetInt32();
        float[] actual = tensors.Floats($"logits.{input}");
        int[] occurred = [.. tensors.Longs($"history.{input}").Select(token => (int)token).Distinct()];
        float[] expected = tensors.Floats($"probabilities.{index}");
        SamplingOptions options = new()
        {
            Temperature = element.GetProperty("temperature").GetDouble(),
            TopK = element.GetProperty("top_k").GetInt32(),
            TopP = element.GetProperty("top_p").GetDouble(),
            MinP = element.GetProperty("min_p").GetDouble(),
            RepetitionPenalty = element.GetProperty("repetition_penalty").GetDouble(),
        };
        float[] penalized = [.. actual];
        LogitFilter.Penalize(penalized, occurred, options.RepetitionPenalty);
        new LogitFilter().Apply(actual, occurred, options);

        float worst = InTieOrder(actual, penalized).Zip(InTieOrder(expected, penalized), (a, e) => MathF.Abs(a - e)).Max();
        int kept = actual.Count(probability => probability > 0), wanted = element.GetProperty("kept").GetInt32();
        if (kept != wanted) return new CaseResult(name, false, $"{kept} tokens kept, expected {wanted}; {element}");
        return worst <= Tolerance
            ? new CaseResult(name, true, worst.ToString("E1", CultureInfo.InvariantCulture))
            : new CaseResult(name, false, $"probability off by {worst:E1}; {element}");
    }

    private static IEnumerable<float> InTieOrder(float[] probabilities, float[] logits) =>
        probabilities.Zip(logits).OrderBy(pair => pair.Second).ThenBy(pair => pair.First).Select(pair => pair.First);
}
