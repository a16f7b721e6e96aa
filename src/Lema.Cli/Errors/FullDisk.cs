namespace Lema.Cli.Errors;

/// <summary>Tells a full disk from the other reasons why a file cannot be written.</summary>
internal static class FullDisk
{
    // IOException.HResult: errno of Linux, and Windows' own code.
    private const int NoSpaceLeft = 28;
    private const int QuotaExceeded = 122;
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    public static bool IsCauseOf(Exception failure) => failure is IOException { HResult: NoSpaceLeft or QuotaExceeded or WindowsDiskFull };

    /// <summary>The failure in the terms of the user, who knows the file but none that is written on the way to it.</summary>
    public static IOException At(string path) => new($"{path} cannot be written: the disk is full.", NoSpaceLeft);
}
