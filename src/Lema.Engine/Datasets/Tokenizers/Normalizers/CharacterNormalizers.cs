using System.Globalization;
using System.Text;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Normalizers;

/// <summary>A normalizer that replaces each code point by itself.</summary>
internal abstract class CharacterNormalizer : Normalizer
{
    /// <summary>What stands for the code point; empty: nothing.</summary>
    protected abstract string Change(int point, ReadOnlySpan<char> written);

    public override AlignedText Normalize(AlignedText text)
    {
        string old = text.Text;
        StringBuilder changed = new(old.Length);
        List<(int Start, int Length, int Units)> steps = [];
        for (int at = 0, length; at < old.Length; at += length)
        {
            string replacement = Change(CharacterClass.CodePointAt(old, at, out length), old.AsSpan(at, length));
            changed.Append(replacement);
            if (text.Tracked) steps.Add((at, length, replacement.Length));
        }
        return text.Changed(changed.ToString(), builder =>
        {
            foreach ((int start, int length, int units) in steps) builder.Replace(start, length, units);
        });
    }
}

internal sealed class Lowercase : CharacterNormalizer
{
    // İ is the one code point whose lower case is two.
    protected override string Change(int point, ReadOnlySpan<char> written) => point == 0x130 ? "i\u0307"
        : Rune.IsValid(point) ? Rune.ToLowerInvariant(new Rune(point)).ToString() : written.ToString();
}

/// <summary>Drops combining marks (\p{M}); useful behind NFD or NFKD.</summary>
internal sealed class StripAccents : CharacterNormalizer
{
    protected override string Change(int point, ReadOnlySpan<char> written) =>
        CharUnicodeInfo.GetUnicodeCategory(point) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            ? "" : written.ToString();
}

/// <summary>Drops the white space at the ends of a segment.</summary>
internal sealed class StripSpaces(bool left, bool right) : Normalizer
{
    public override AlignedText Normalize(AlignedText text)
    {
        string old = text.Text;
        int from = 0, to = old.Length;
        while (left && from < to && CharacterClass.IsSpace(old[from])) from++;
        while (right && to > from && CharacterClass.IsSpace(old[to - 1])) to--;
        return from == 0 && to == old.Length ? text : text.Changed(old[from..to], builder => builder.Keep(from, to - from));
    }
}

/// <summary>Several spaces in a row become one.</summary>
internal sealed class SpaceRuns : Normalizer
{
    public override AlignedText Normalize(AlignedText text)
    {
        string old = text.Text;
        List<int> kept = new(old.Length);
        for (int at = 0; at < old.Length; at++)
        {
            if (old[at] != ' ' || at == 0 || old[at - 1] != ' ') kept.Add(at);
        }
        if (kept.Count == old.Length) return text;
        return text.Changed(string.Concat(kept.Select(at => old[at])), builder =>
        {
            foreach (int at in kept) builder.Keep(at, 1);
        });
    }
}
