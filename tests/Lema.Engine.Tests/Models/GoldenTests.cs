using Lema.Conformance;
using Lema.Conformance.Golden;
using Lema.Testing;

namespace Lema.Engine.Tests.Models;

/// <summary>Models small enough for the repository, and all reference cases where they are at hand, against transformers and PEFT.</summary>
public sealed class GoldenTests
{
    private static readonly string Fixtures = Path.Combine(Repository.Folder, "tests", "Lema.Engine.Tests", "Fixtures", "golden");

    // Quantised bases are not implemented.
    private static readonly string[] NotImplemented = ["nf4", "llama-nf4"];

    public static TheoryData<string> FixtureCases => [.. Directory.GetDirectories(Fixtures).Select(folder => Path.GetFileName(folder)!).Order()];

    [Theory]
    [MemberData(nameof(FixtureCases))]
    public void Case_ThroughTheStreamingEngine_EqualsTransformersAndPeft(string name)
    {
        CaseResult result = GoldenSuite.RunCase(Path.Combine(Fixtures, name));
        Assert.True(result.Passed, result.Detail);
    }

    [Fact]
    public void ReferenceCases_ThroughTheStreamingEngine_EqualTransformersAndPeft()
    {
        string? folder = ReferenceData.TryPath("golden", "cases");
        if (folder is null) Assert.Skip(ReferenceData.SkipMessage);
        CaseResult[] failed = [.. Directory.GetDirectories(folder).Where(f => !NotImplemented.Contains(Path.GetFileName(f))).Order()
            .Select(GoldenSuite.RunCase).Where(result => !result.Passed)];
        Assert.True(failed.Length == 0, string.Join(Environment.NewLine, failed.Select(result => $"{result.Case}: {result.Detail}")));
    }
}
