using System.Text;

namespace Lema.Engine.Datasets.Tokenizers.Patterns;

/// <summary>A set of code points. The basic plane is a bitmap; the planes above are asked one by one.</summary>
internal sealed class CodePointSet
{
    private readonly Func<int, bool> _contains;
    private readonly Lazy<ulong[]> _basic;

    public CodePointSet(Func<int, bool> contains)
    {
        _contains = contains;
        _basic = new Lazy<ulong[]>(Bitmap);
    }

    public static CodePointSet Of(int codePoint) => new(other => other == codePoint);

    public static CodePointSet Range(int first, int last) => new(other => other >= first && other <= last);

    public static CodePointSet Union(IReadOnlyList<CodePointSet> sets) => sets.Count == 1 ? sets[0] : new(point => sets.Any(set => set._contains(point)));

    public CodePointSet And(CodePointSet other) => new(point => _contains(point) && other._contains(point));

    public CodePointSet Negated() => new(point => !_contains(point));

    /// <summary>The set with every other case of its members: simple folding, so <c>s</c> brings <c>S</c> and <c>ſ</c>.</summary>
    public CodePointSet IgnoringCase()
    {
        HashSet<int> folded = [];
        for (int point = 0; point < 0x20000; point++)
        {
            if (_contains(point)) folded.Add(Fold(point));
        }
        return new CodePointSet(point => _contains(point) || folded.Contains(Fold(point)));
    }

    public bool Contains(int codePoint) => codePoint < 0x10000 ? (_basic.Value[codePoint >> 6] >> (codePoint & 63) & 1) != 0 : _contains(codePoint);

    private static int Fold(int point) => Rune.IsValid(point) ? Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(point))).Value : point;

    private ulong[] Bitmap()
    {
        ulong[] bits = new ulong[0x10000 / 64];
        for (int point = 0; point < 0x10000; point++)
        {
            if (_contains(point)) bits[point >> 6] |= 1UL << (point & 63);
        }
        return bits;
    }
}
