using System.Globalization;

namespace Lema.Web.ViewModels;

/// <summary>How numbers are written for people: few digits, a unit, no culture surprises.</summary>
public static class Figures
{
    public const string None = "–";

    private static readonly string[] ByteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    public static string Bytes(double bytes) => Scaled(bytes, 1024, ByteUnits);

    public static string BytesPerSecond(double bytesPerSecond) => Bytes(bytesPerSecond) + "/s";

    public static string Count(double count) => Math.Abs(count) < 10_000
        ? count.ToString("#,0", CultureInfo.InvariantCulture)
        : Scaled(count, 1000, ["", "k", "M", "B", "T"]);

    public static string Number(double? number) => number switch
    {
        null => None,
        { } value when !double.IsFinite(value) => value.ToString(CultureInfo.InvariantCulture),
        0 => "0",
        { } value when Math.Abs(value) < 0.001 => value.ToString("0.##e-0", CultureInfo.InvariantCulture),
        { } value when Math.Abs(value) >= 1000 => Count(value),
        { } value => Significant(value, 4),
    };

    public static string Share(double? share) => share is { } value ? (value * 100).ToString(value is > 0 and < 0.1 ? "0.0" : "0", CultureInfo.InvariantCulture) + " %" : None;

    /// <summary>Seconds as "0.42 s", "3 min 20 s", "2 h 05 min" or "3 d 4 h".</summary>
    public static string Duration(double? seconds) => seconds switch
    {
        null => None,
        { } value when !double.IsFinite(value) || value < 0 => None,
        < 1 => Significant(seconds.Value * 1000, 3) + " ms",
        < 60 => Significant(seconds.Value, 3) + " s",
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)(seconds.Value / 60)} min {(int)(seconds.Value % 60):00} s"),
        < 86_400 => string.Create(CultureInfo.InvariantCulture, $"{(int)(seconds.Value / 3600)} h {(int)(seconds.Value % 3600 / 60):00} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)(seconds.Value / 86_400)} d {(int)(seconds.Value % 86_400 / 3600)} h"),
    };

    /// <summary>How long ago, as "just now", "4 min ago", "3 h ago", "2 d ago".</summary>
    public static string Ago(DateTimeOffset then, DateTimeOffset now) => (now - then) switch
    {
        { TotalSeconds: < 45 } => "just now",
        { TotalMinutes: < 60 } age => $"{Math.Max(1, (int)age.TotalMinutes)} min ago",
        { TotalHours: < 24 } age => $"{(int)age.TotalHours} h ago",
        { } age => $"{(int)age.TotalDays} d ago",
    };

    private static string Scaled(double value, double @base, string[] units)
    {
        int unit = 0;
        double size = Math.Abs(value);
        while (size >= @base && unit < units.Length - 1)
        {
            size /= @base;
            unit++;
        }
        return (Significant(Math.Sign(value) * size, 3) + " " + units[unit]).TrimEnd();
    }

    private static string Significant(double value, int digits)
    {
        if (value == 0) return "0";
        int decimals = Math.Clamp(digits - 1 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 15);
        return Math.Round(value, decimals).ToString(decimals == 0 ? "0" : "0." + new string('#', decimals), CultureInfo.InvariantCulture);
    }
}
