using System.Globalization;

namespace Lema.Engine.Datasets.Tokenizers.Normalizers;

/// <summary>
/// The tables behind Unicode's normalization forms (UAX #15). .NET takes its own from ICU, which is not on every machine: under invariant globalization
/// <c>string.Normalize</c> changes nothing.
/// </summary>
internal sealed class NormalizationData
{
    private const int SyllableBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int Leads = 19, Vowels = 21, Tails = 28, Syllables = Leads * Vowels * Tails;

    private static readonly Lazy<NormalizationData> LazyTables = new(() => new NormalizationData());

    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatibility = [];
    private readonly Dictionary<(int, int), int> _compositions = [];
    private readonly Dictionary<int, byte> _classes = [];

    private NormalizationData()
    {
        using StreamReader reader = new(typeof(NormalizationData).Assembly.GetManifestResourceStream("NormalizationData.txt")
            ?? throw new InvalidOperationException("the assembly lacks its resource NormalizationData.txt"));
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#')) Add(line.Split(' '));
        }
    }

    public static NormalizationData Tables => LazyTables.Value;

    /// <summary>The combining class (0: a starter).</summary>
    public byte ClassOf(int point) => _classes.GetValueOrDefault(point);

    /// <summary>Appends the full decomposition of a code point.</summary>
    public void Decompose(int point, bool compatibility, List<int> parts)
    {
        if (point is >= SyllableBase and < SyllableBase + Syllables)
        {
            int index = point - SyllableBase;
            parts.Add(LeadBase + index / (Vowels * Tails));
            parts.Add(VowelBase + index % (Vowels * Tails) / Tails);
            if (index % Tails > 0) parts.Add(TailBase + index % Tails);
        }
        else if (_canonical.TryGetValue(point, out int[]? inner) || (compatibility && _compatibility.TryGetValue(point, out inner)))
        {
            foreach (int part in inner) Decompose(part, compatibility, parts);
        }
        else parts.Add(point);
    }

    /// <summary>The one code point that two compose to; null if they do not.</summary>
    public int? Compose(int first, int second)
    {
        if (first is >= LeadBase and < LeadBase + Leads && second is >= VowelBase and < VowelBase + Vowels)
        {
            return SyllableBase + ((first - LeadBase) * Vowels + second - VowelBase) * Tails;
        }
        bool open = first is >= SyllableBase and < SyllableBase + Syllables && (first - SyllableBase) % Tails == 0;
        if (open && second is > TailBase and < TailBase + Tails) return first + second - TailBase;
        return _compositions.TryGetValue((first, second), out int composed) ? composed : null;
    }

    private void Add(string[] fields)
    {
        int point = Hex(fields[1]);
        if (fields[0] == "M")
        {
            _classes[point] = byte.Parse(fields[2], CultureInfo.InvariantCulture);
            return;
        }
        int[] parts = [.. fields.Skip(2).Select(Hex)];
        (fields[0] == "K" ? _compatibility : _canonical)[point] = parts;
        if (fields[0] == "C") _compositions[(parts[0], parts[1])] = point;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
