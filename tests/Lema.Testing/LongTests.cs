namespace Lema.Testing;

/// <summary>Tests that take minutes each run where they are asked for: <c>.ci/run --long</c>.</summary>
public static class LongTests
{
    public const string SkipMessage = "Takes minutes; set LEMA_LONG_TESTS=1 (or .ci/run --long).";

    public static bool AreAskedFor { get; } = Environment.GetEnvironmentVariable("LEMA_LONG_TESTS") == "1";
}
