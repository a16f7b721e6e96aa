using Lema.Fuzz;
using Lema.Testing;

namespace Lema.Engine.Tests.Fuzzing;

/// <summary>A few seconds for each parser of untrusted files; <c>tests/fuzz TARGET SECONDS</c> takes longer.</summary>
public sealed class FuzzTests
{
    public static TheoryData<string> Targets => [.. FuzzTargets.Names];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Parse_OfChangedInputs_TakesOrRefusesThemInTime(string target)
    {
        TimeSpan time = TimeSpan.FromSeconds(Trial.Count("LEMA_FUZZ_SECONDS", usual: 2, whenLong: 120));
        FuzzReport report = Fuzzer.Run(FuzzTargets.Find(target), Trial.Seed, time);
        Assert.True(report.Finding is null, $"{report.Finding?.Problem}; LEMA_TEST_SEED={report.Finding?.Seed}; input {Convert.ToBase64String(report.Finding?.Input ?? [])}");
        Assert.True(report.Outcomes > 1);
    }
}
