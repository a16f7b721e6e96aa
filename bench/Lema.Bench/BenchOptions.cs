using System.Globalization;
using Lema.Engine.Errors;

namespace Lema.Bench;

/// <summary>Options of the form <c>--name value</c>, and flags without a value.</summary>
internal sealed class BenchOptions(string[] arguments)
{
    public bool Has(string name) => Array.IndexOf(arguments, "--" + name) >= 0;

    public string? Text(string name)
    {
        int index = Array.IndexOf(arguments, "--" + name);
        return index >= 0 && index + 1 < arguments.Length ? arguments[index + 1] : null;
    }

    public string Required(string name) => Text(name) ?? throw new InvalidInputException("bench/run", "--" + name, "is missing");

    public long? Integer(string name)
    {
        if (Text(name) is not { } text) return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : throw new InvalidInputException("bench/run", "--" + name, $"'{text}' is not a whole number");
    }
}
