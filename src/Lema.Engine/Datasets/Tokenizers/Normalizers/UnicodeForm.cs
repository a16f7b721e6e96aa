using System.Text;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Normalizers;

/// <summary>Normalization forms NFC, NFD, NFKC and NFKD (UAX #15).</summary>
internal sealed class UnicodeForm(bool compatibility, bool compose) : Normalizer
{
    // Below this every text is in the form already. U+0300 is the first mark, U+00A0 the first code point that decomposes.
    private char FirstChanged => compose && !compatibility ? '\u0300' : '\u00A0';

    /// <summary>A code point of the result and the source's units [Start, End) that it came from.</summary>
    private record struct Part(int Point, byte Class, int Start, int End);

    public override AlignedText Normalize(AlignedText text)
    {
        if (text.Text.AsSpan().IndexOfAnyExceptInRange('\0', (char)(FirstChanged - 1)) < 0) return text;
        List<Part> parts = Decompose(text.Text);
        Reorder(parts);
        if (compose) Compose(parts);
        StringBuilder result = new(text.Text.Length);
        foreach (Part part in parts) result.Append(part.Point > 0xFFFF ? char.ConvertFromUtf32(part.Point) : ((char)part.Point).ToString());
        return text.Changed(result.ToString(), builder =>
        {
            foreach (Part part in parts) builder.Replace(part.Start, part.End - part.Start, part.Point > 0xFFFF ? 2 : 1);
        });
    }

    private List<Part> Decompose(string text)
    {
        NormalizationData tables = NormalizationData.Tables;
        List<Part> parts = new(text.Length);
        List<int> points = [];
        for (int at = 0, length; at < text.Length; at += length)
        {
            points.Clear();
            tables.Decompose(CharacterClass.CodePointAt(text, at, out length), compatibility, points);
            foreach (int point in points) parts.Add(new Part(point, tables.ClassOf(point), at, at + length));
        }
        return parts;
    }

    // Marks between two starters stand in the order of their classes; marks of one class keep their order.
    private static void Reorder(List<Part> parts)
    {
        for (int start = 0; start < parts.Count; start++)
        {
            if (parts[start].Class == 0) continue;
            int end = start;
            while (end < parts.Count && parts[end].Class != 0) end++;
            if (end - start > 1)
            {
                Part[] sorted = [.. parts.GetRange(start, end - start).OrderBy(part => part.Class)];
                for (int index = 0; index < sorted.Length; index++) parts[start + index] = sorted[index];
            }
            start = end;
        }
    }

    private static void Compose(List<Part> parts)
    {
        int starter = -1, kept = 0;
        byte last = 0;
        for (int index = 0; index < parts.Count; index++)
        {
            Part part = parts[index];
            // A mark is blocked from the starter by one of its own class or a higher one between them; a starter, by anything between them.
            bool blocked = starter < 0 || (kept - 1 > starter && (last >= part.Class || part.Class == 0));
            if (!blocked && NormalizationData.Tables.Compose(parts[starter].Point, part.Point) is { } composed)
            {
                parts[starter] = parts[starter] with { Point = composed, Start = Math.Min(parts[starter].Start, part.Start), End = Math.Max(parts[starter].End, part.End) };
                continue;
            }
            if (part.Class == 0) starter = kept;
            last = part.Class;
            parts[kept++] = part;
        }
        parts.RemoveRange(kept, parts.Count - kept);
    }
}
