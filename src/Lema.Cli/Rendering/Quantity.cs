using System.Globalization;

namespace Lema.Cli.Rendering;

/// <summary>Quantities as people read them. Figures for scripts are in the JSON output.</summary>
internal static class Quantity
{
    private static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    public static string Bytes(double bytes)
    {
        int unit = 0;
        while (Math.Abs(bytes) >= 1024 && unit < ByteUnits.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }
        string format = unit == 0 || Math.Abs(bytes) >= 100 ? "0" : "0.0";
        return $"{bytes.ToString(format, CultureInfo.InvariantCulture)} {ByteUnits[unit]}";
    }

    public static string BytesPerSecond(double rate) => Bytes(rate) + "/s";

    /// <summary>A span of time in its two largest units.</summary>
    public static string Duration(double seconds)
    {
        if (!double.IsFinite(seconds) || seconds < 0) return "?";
        if (seconds < 9.95) return seconds.ToString("0.0", CultureInfo.InvariantCulture) + " s";
        long whole = (long)Math.Round(seconds);
        if (whole < 60) return $"{whole} s";
        if (whole < 3600) return $"{whole / 60} m {whole % 60:00} s";
        if (whole < 86400) return $"{whole / 3600} h {whole % 3600 / 60:00} m";
        return $"{whole / 86400} d {whole % 86400 / 3600:00} h";
    }

    public static string Percent(double fraction) =>
        (fraction * 100).ToString(fraction is 0 or 1 ? "0" : "0.0", CultureInfo.InvariantCulture) + " %";

    public static string Count(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Loss(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    /// <summary>A learning rate: three significant figures, in the notation of run files.</summary>
    public static string Rate(double value) => value.ToString("0.##e-0", CultureInfo.InvariantCulture);

    /// <summary>A local time to the second.</summary>
    public static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

}
