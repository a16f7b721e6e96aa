using System.Globalization;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>The code points of scripts and of a few properties of the Unicode character database, from a resource of the assembly: .NET has no such table.</summary>
internal static class CodePointRanges
{
    private static readonly Lazy<Dictionary<string, (int First, int Last)[]>> LazySets = new(Read);

    /// <summary>The set of a script or property by its name, such as <c>Han</c>; case and underscores do not count. Null for a name that is not known.</summary>
    public static CodePointSet? Find(string name) => LazySets.Value.TryGetValue(Plain(name), out (int First, int Last)[]? ranges) ? new CodePointSet(point => Has(ranges, point)) : null;

    private static bool Has((int First, int Last)[] ranges, int point)
    {
        int low = 0, high = ranges.Length - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ranges[middle].Last < point) low = middle + 1;
            else high = middle;
        }
        return ranges[low].First <= point && point <= ranges[low].Last;
    }

    private static Dictionary<string, (int, int)[]> Read()
    {
        using StreamReader reader = new(typeof(CodePointRanges).Assembly.GetManifestResourceStream("CodePointRanges.txt")
            ?? throw new InvalidOperationException("the assembly lacks its resource CodePointRanges.txt"));
        Dictionary<string, (int, int)[]> sets = new(StringComparer.OrdinalIgnoreCase);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            string[] fields = line.Split(' ');
            sets[Plain(fields[0])] = [.. fields.Skip(1).Select(Range)];
        }
        return sets;
    }

    private static (int, int) Range(string text)
    {
        string[] bounds = text.Split('-');
        return (Hex(bounds[0]), Hex(bounds[^1]));
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal);
}
