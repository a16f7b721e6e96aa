using System.Text;
using Lema.Engine.Datasets.Tokenizers.Patterns;
using Lema.Engine.Datasets.Tokenizers.Text;

namespace Lema.Engine.Datasets.Tokenizers.Normalizers;

/// <summary>Replaces every match of a pattern.</summary>
internal sealed class Replace(ITextPattern pattern, string content) : Normalizer
{
    public override AlignedText Normalize(AlignedText text)
    {
        string old = text.Text;
        List<(int Start, int Length)> matches = [];
        StringBuilder changed = new(old.Length);
        int at = 0;
        PatternMatches found = new(pattern, old);
        bool any = false;
        while (found.Next(out int start, out int length))
        {
            any = true;
            changed.Append(old, at, start - at).Append(content);
            if (text.Tracked) matches.Add((start, length));
            at = start + length;
        }
        if (!any) return text;
        changed.Append(old, at, old.Length - at);
        return text.Changed(changed.ToString(), builder => Align(builder, matches, old.Length));
    }

    private void Align(AlignmentBuilder builder, List<(int Start, int Length)> matches, int end)
    {
        int at = 0;
        foreach ((int start, int length) in matches)
        {
            builder.Keep(at, start - at);
            builder.Replace(start, length, content.Length);
            at = start + length;
        }
        builder.Keep(at, end - at);
    }
}
