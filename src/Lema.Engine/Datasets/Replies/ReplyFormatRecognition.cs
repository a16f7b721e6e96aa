using Lema.Engine.Datasets.Inspection;

namespace Lema.Engine.Datasets.Replies;

/// <summary>Tells from rows, as the model will see them, whether they teach a built-in reply format, so that a run need not name what its dataset shows.</summary>
public static class ReplyFormatRecognition
{
    /// <summary>Rows that are looked at.</summary>
    public const int Rows = 8;

    /// <summary>The format whose prompt and reply every one of the rows has; null: there is none, or there are no rows.</summary>
    public static ReplyFormat? Of(IEnumerable<PreviewedRow> rows)
    {
        ReplyFormat format = ReplyFormat.Lema;
        bool any = false;
        foreach (PreviewedRow row in rows.Take(Rows))
        {
            if (!Teaches(row, format)) return null;
            any = true;
        }
        return any ? format : null;
    }

    private static bool Teaches(PreviewedRow row, ReplyFormat format)
    {
        int reply = row.Tokens.TakeWhile(token => !token.CarriesLoss).Count();
        return IsPrompt(Text(row.Tokens.Take(reply)), format) && format.Parse(Text(row.Tokens.Skip(reply))).IsValid;
    }

    private static bool IsPrompt(string text, ReplyFormat format) => format.PromptTemplate?.Split(ReplyFormat.QuestionPlaceholder) is [var before, var after]
        && text.Length > before.Length + after.Length && text.StartsWith(before, StringComparison.Ordinal) && text.EndsWith(after, StringComparison.Ordinal);

    private static string Text(IEnumerable<PreviewToken> tokens) => string.Concat(tokens.Where(token => !token.IsSpecial).Select(token => token.Text));
}
