using System.Globalization;

namespace Lema.Testing;

/// <summary>Chance in tests that can be had again: a test names its seed when it fails, and takes it from <c>LEMA_TEST_SEED</c>.</summary>
public static class Trial
{
    public static int Seed { get; } = Number("LEMA_TEST_SEED") ?? Environment.TickCount & int.MaxValue;

    /// <summary>Whether the tests that take minutes each are wanted: <c>.ci/run --long</c>.</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable("LEMA_LONG_TESTS") == "1";

    /// <summary>How often to try: an environment variable's say, else by whether long tests are wanted.</summary>
    public static int Count(string variable, int usual, int whenLong) => Number(variable) ?? (IsLong ? whenLong : usual);

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : null;
}
