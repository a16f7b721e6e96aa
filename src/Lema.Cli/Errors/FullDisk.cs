namespace Lema.Cli.Errors;

/// <summary>Tells a full disk from the other reasons why a file cannot be written.</summary>
internal static class FullDisk
{
    // IOException.HResult: errno of Linux, and Windows' own code.
    private const int NoSpaceLeft = 28;
    private const int QuotaExceeded = 122;
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    public static bool IsCauseOf(Exception failure) => failure is IOException { HResult: NoSpaceLeft or QuotaExceeded or WindowsDiskFull };
}
