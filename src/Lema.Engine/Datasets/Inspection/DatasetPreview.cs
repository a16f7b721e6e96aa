using Lema.Engine.Datasets.Rows;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Inspection;

/// <summary>A token as a preview shows it.</summary>
/// <param name="Text">The text that is complete with it: a character of several tokens stands at the last of them, the others are empty.</param>
/// <param name="CarriesLoss">Whether training learns to write it.</param>
/// <param name="IsSpecial">Whether it is a special token.</param>
public sealed record PreviewToken(int Id, string Text, bool CarriesLoss, bool IsSpecial);

/// <param name="Row">From 0, in file order.</param>
/// <param name="Line">Line of the file, from 1.</param>
/// <param name="Truncated">Whether tokens beyond the length were left out.</param>
public sealed record PreviewedRow(long Row, long Line, IReadOnlyList<PreviewToken> Tokens, bool Truncated);

/// <summary>Shows rows as the model will see them.</summary>
public static class DatasetPreview
{
    /// <param name="first">The first row to show, from 0.</param>
    /// <param name="maxLength">Tokens of a row at the most; 0: all.</param>
    /// <exception cref="LemaException">The file cannot be read, or one of the rows is not valid.</exception>
    public static IEnumerable<PreviewedRow> Rows(RowSource source, RowTokenizer rows, Tokenizer tokenizer, long first, int count, int maxLength)
    {
        long index = -1;
        foreach (SourceRow row in source.Read())
        {
            if (++index < first) continue;
            if (index >= first + count) yield break;
            TokenizedRow tokens = rows.Tokenize(row.Row ?? throw row.Problem!, $"{source.File}: line {row.Line}");
            yield return Show(index, row.Line, tokens, tokenizer, maxLength);
        }
    }

    internal static PreviewedRow Show(long row, long line, TokenizedRow tokens, Tokenizer tokenizer, int maxLength)
    {
        TokenizedRow shown = maxLength > 0 ? tokens.Truncate(maxLength) : tokens;
        TokenStream text = tokenizer.Stream(skipSpecialTokens: false);
        PreviewToken[] list = [.. shown.Ids.Select((id, place) => new PreviewToken(
            (int)id, text.Append((int)id), place > 0 && shown.Labels[place] != TokenizedRow.Ignored, tokenizer.IsSpecial((int)id)))];
        if (list.Length > 0) list[^1] = list[^1] with { Text = list[^1].Text + text.Flush() };
        return new PreviewedRow(row, line, list, shown.Length < tokens.Length);
    }
}
