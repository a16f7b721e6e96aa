namespace Lema.Engine.Datasets.Replies;

/// <summary>Everything that keeps a reply format from working, by the keys of its YAML file. Takes formats whose parts come from outside.</summary>
public static class ReplyFormatCheck
{
    private const int MostFields = 64;

    public static IEnumerable<(string Key, string Problem)> Problems(ReplyFormat format)
    {
        if (!IsLine(format.Name)) yield return ("name", "must be one line of text, such as the file's name.");
        if (format.PromptTemplate is { } prompt && prompt.Split(ReplyFormat.QuestionPlaceholder).Length != 2)
            yield return ("prompt", $"must hold {ReplyFormat.QuestionPlaceholder} exactly once; leave prompt out to ask by the model's chat template.");
        if (!IsLine(format.OpenTag)) yield return ("open", "must be one line of text, such as <reply>.");
        if (!IsLine(format.CloseTag)) yield return ("close", "must be one line of text, such as </reply>.");
        if (format.OpenTag.Length > 0 && format.OpenTag == format.CloseTag) yield return ("close", "must differ from open.");
        if (format.Fields.Count is 0 or > MostFields)
        {
            yield return ("fields", $"must list 1 to {MostFields} fields, each with a name.");
            yield break;
        }
        for (int i = 0; i < format.Fields.Count; i++)
        {
            ReplyField field = format.Fields[i];
            if (!IsLine(field.Name) || field.Name.Contains(':')) yield return ($"fields[{i}].name", "must be one line of text without a colon.");
            else if (format.Fields.Take(i).Any(earlier => earlier.Name == field.Name)) yield return ($"fields[{i}].name", $"'{field.Name}' stands there twice; names must differ.");
            if (!field.Values.All(IsLine)) yield return ($"fields[{i}].values", "must hold lines of text; leave values out to allow any line.");
        }
        if (format.Fields.All(field => field.Name != format.AnswerField))
            yield return ("answer", $"must name one of the fields {string.Join(", ", format.Fields.Select(field => field.Name))}; it is '{format.AnswerField}'.");
    }

    private static bool IsLine(string? text) => !string.IsNullOrWhiteSpace(text) && !text.Contains('\n') && !text.Contains('\r');
}
