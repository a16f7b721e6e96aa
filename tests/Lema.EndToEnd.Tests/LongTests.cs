namespace Lema.EndToEnd.Tests;

/// <summary>Tests that take minutes each run where they are asked for: <c>.ci/run --long</c>.</summary>
internal static class LongTests
{
    public static void SkipUnlessAskedFor() => Assert.SkipUnless(Environment.GetEnvironmentVariable("LEMA_LONG_TESTS") == "1", "Takes minutes; set LEMA_LONG_TESTS=1 (or .ci/run --long).");
}
