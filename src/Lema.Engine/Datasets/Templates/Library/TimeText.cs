using System.Globalization;
using System.Text;
using Lema.Engine.Datasets.Templates.Evaluation;

namespace Lema.Engine.Datasets.Templates.Library;

/// <summary>Python's strftime, in English.</summary>
internal static class TimeText
{
    public static string Format(DateTimeOffset time, string format, Budget budget)
    {
        StringBuilder text = new();
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                text.Append(format[at]);
                continue;
            }
            bool unpadded = format[at + 1] == '-' && at + 2 < format.Length;
            at += unpadded ? 2 : 1;
            string field = Field(time, format[at]);
            text.Append(unpadded && field.Length > 1 ? field.TrimStart('0') is { Length: > 0 } shorter ? shorter : "0" : field);
        }
        budget.Charge(text.Length);
        return text.ToString();
    }

    private static string Field(DateTimeOffset time, char field)
    {
        string? pattern = field switch
        {
            'Y' => "yyyy", 'y' => "yy", 'm' => "MM", 'd' => "dd", 'H' => "HH", 'I' => "hh", 'M' => "mm", 'S' => "ss", 'p' => "tt", 'f' => "ffffff",
            'A' => "dddd", 'a' => "ddd", 'B' => "MMMM", 'b' or 'h' => "MMM", 'F' => "yyyy-MM-dd", 'T' or 'X' => "HH:mm:ss", 'D' or 'x' => "MM/dd/yy", 'R' => "HH:mm",
            'c' => "ddd MMM d HH:mm:ss yyyy",
            _ => null,
        };
        if (pattern is not null) return time.ToString(pattern, CultureInfo.InvariantCulture);
        return field switch
        {
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'u' => (((int)time.DayOfWeek + 6) % 7 + 1).ToString(CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'z' => time.ToString("zzz", CultureInfo.InvariantCulture).Replace(":", "", StringComparison.Ordinal),
            'Z' => "UTC",
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => "%" + field,
        };
    }
}
