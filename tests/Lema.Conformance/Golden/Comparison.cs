using TorchSharp;

namespace Lema.Conformance.Golden;

/// <summary>Collects how far results are from the reference, as shares of the tolerance: |ours - reference| / |reference| in the Frobenius norm.</summary>
public sealed class Comparison(GoldenCase golden)
{
    private readonly List<string> _problems = [];

    public double Worst { get; private set; }

    public IReadOnlyList<string> Problems => _problems;

    public void Tensor(string group, string key, torch.Tensor ours, torch.Tensor? expected = null)
    {
        using var scope = torch.NewDisposeScope();
        if (expected is null && !golden.Expected.TryGetValue(key, out expected))
        {
            _problems.Add($"{key}: not in the reference");
            return;
        }
        if (!ours.shape.SequenceEqual(expected!.shape))
        {
            _problems.Add($"{key}: shape [{string.Join(", ", ours.shape)}], expected [{string.Join(", ", expected.shape)}]");
            return;
        }
        torch.Tensor reference = expected.to(torch.ScalarType.Float64);
        double error = ours.to(torch.ScalarType.Float64).sub(reference).norm().item<double>() / Math.Max(reference.norm().item<double>(), 1e-300);
        double share = error / golden.Tolerance(group);
        Worst = Math.Max(Worst, double.IsNaN(share) ? double.PositiveInfinity : share);
        if (!(share <= 1)) _problems.Add($"{key}: relative error {error:e2}, tolerance {golden.Tolerance(group):e0}");
    }

    public void Values(string group, string key, IReadOnlyList<double> ours)
    {
        using var scope = torch.NewDisposeScope();
        Tensor(group, key, torch.tensor(ours.ToArray(), torch.ScalarType.Float64));
    }

    public void Equal<T>(string what, IReadOnlyList<T> ours, IReadOnlyList<T> expected)
    {
        if (!ours.SequenceEqual(expected)) _problems.Add($"{what}: [{string.Join(", ", ours)}], expected [{string.Join(", ", expected)}]");
    }

    public void True(string what, bool condition)
    {
        if (!condition) _problems.Add(what);
    }
}
