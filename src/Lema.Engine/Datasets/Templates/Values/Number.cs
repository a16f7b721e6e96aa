using System.Globalization;
using System.Numerics;

namespace Lema.Engine.Datasets.Templates.Values;

/// <summary>Python's numbers: integers without limit (long while they fit), doubles, and booleans as 0 and 1.</summary>
internal static class Number
{
    private const int MostBits = 100_000;

    public static bool Is(object? value) => value is bool or long or BigInteger or double;

    public static bool IsInteger(object? value) => value is bool or long or BigInteger;

    /// <summary>The smallest kind that holds an integer.</summary>
    public static object Of(BigInteger value) => value >= long.MinValue && value <= long.MaxValue ? (long)value : value;

    public static BigInteger ToBig(object? value) => value switch
    {
        bool flag => flag ? 1 : 0,
        long small => small,
        BigInteger big => big,
        _ => throw TemplateError.Type($"'{PythonText.TypeName(value)}' object cannot be interpreted as an integer"),
    };

    public static double ToDouble(object? value) => value is double real ? real : (double)ToBig(value);

    /// <summary>A double without its fraction.</summary>
    public static BigInteger Truncate(double value) => double.IsFinite(value) ? new BigInteger(value) : throw TemplateError.Other($"cannot convert float {Repr(value)} to integer");

    /// <summary>An integer to the nearest multiple of a power of ten; from the middle to the even one.</summary>
    public static object Round(object value, int precision)
    {
        if (precision >= 0) return Of(ToBig(value));
        BigInteger unit = BigInteger.Pow(10, -precision), whole = ToBig(value), floor = FloorDivide(whole, unit);
        int order = ((whole - floor * unit) * 2).CompareTo(unit);
        return Of((order > 0 || (order == 0 && !floor.IsEven) ? floor + 1 : floor) * unit);
    }

    /// <summary>An index, a count or a width.</summary>
    public static int ToInt(object? value) => ToBig(value) is var big && big >= int.MinValue && big <= int.MaxValue
        ? (int)big : throw TemplateError.Limit("the number is too large here.");

    public static object Negate(object? value) => value is double real ? -real : Of(-ToBig(value));

    public static object Calculate(string operation, object? left, object? right)
    {
        if (operation == "/" || left is double || right is double) return Real(operation, ToDouble(left), ToDouble(right));
        BigInteger a = ToBig(left), b = ToBig(right);
        switch (operation)
        {
            case "+": return Of(a + b);
            case "-": return Of(a - b);
            case "*":
                CheckSize(a.GetBitLength() + b.GetBitLength());
                return Of(a * b);
            case "//": return Of(FloorDivide(a, b));
            case "%": return Of(a - FloorDivide(a, b) * b);
            default:
                if (b < 0) return Real("**", (double)a, (double)b);
                if (BigInteger.Abs(a) > 1) CheckSize(b > MostBits ? long.MaxValue : a.GetBitLength() * (long)b);
                return Of(BigInteger.Abs(a) <= 1 ? (a == -1 && b.IsEven ? 1 : b == 0 ? 1 : a) : BigInteger.Pow(a, (int)b));
        }
    }

    private static double Real(string operation, double a, double b)
    {
        if (b == 0 && operation is ("/" or "//" or "%")) throw TemplateError.Other("division by zero");
        return operation switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            "//" => FloorDivide(a, b),
            "%" => Modulo(a, b),
            _ => Power(a, b),
        };
    }

    // The sign is that of the divisor, of a zero too.
    private static double Modulo(double a, double b)
    {
        double rest = a % b;
        if (rest == 0) return Math.CopySign(0, b);
        return rest < 0 == b < 0 ? rest : rest + b;
    }

    private static double FloorDivide(double a, double b)
    {
        double quotient = (a - Modulo(a, b)) / b;
        return quotient == 0 ? Math.CopySign(0, a / b) : Math.Round(quotient);
    }

    private static double Power(double a, double b)
    {
        double power = Math.Pow(a, b);
        if (double.IsInfinity(power) && double.IsFinite(a) && double.IsFinite(b)) throw TemplateError.Other("Numerical result out of range");
        return double.IsNaN(power) && !double.IsNaN(a) && !double.IsNaN(b) ? throw TemplateError.Other("complex numbers are not supported") : power;
    }

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        if (b.IsZero) throw TemplateError.Other("division by zero");
        BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger rest);
        return !rest.IsZero && rest.Sign != b.Sign ? quotient - 1 : quotient;
    }

    private static void CheckSize(long bits)
    {
        if (bits > MostBits) throw TemplateError.Limit("the number becomes too large.");
    }

    /// <summary>A double as Python's repr writes it: the shortest digits, an exponent below 1e-4 and from 1e16.</summary>
    public static string Repr(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        if (value == 0) return double.IsNegative(value) ? "-0.0" : "0.0";
        (string digits, int exponent) = Shortest(Math.Abs(value));
        string sign = value < 0 ? "-" : "";
        if (exponent is < -4 or >= 16)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }
        if (exponent < 0) return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        if (digits.Length <= exponent + 1) return $"{sign}{digits.PadRight(exponent + 1, '0')}.0";
        return $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    // The shortest digits that read back as the same number, and the power of ten of the first of them.
    private static (string Digits, int Exponent) Shortest(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        int mark = text.IndexOf('E', StringComparison.Ordinal);
        int exponent = mark < 0 ? 0 : int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string plain = mark < 0 ? text : text[..mark];
        int point = plain.IndexOf('.', StringComparison.Ordinal);
        string all = plain.Replace(".", "", StringComparison.Ordinal);
        int zeros = all.Length - all.TrimStart('0').Length;
        return (all.Trim('0'), exponent + (point < 0 ? plain.Length : point) - 1 - zeros);
    }
}
