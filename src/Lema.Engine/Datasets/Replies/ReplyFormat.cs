using System.Text;

namespace Lema.Engine.Datasets.Replies;

/// <summary>
/// A strict format of replies: an opening tag, one line a field in a fixed order, a closing tag, and nothing else. It is data, read from a small YAML file
/// (<see cref="ReplyFormatReader"/>); <see cref="Lema"/> is built in.
/// </summary>
/// <param name="Name">For messages and reports.</param>
/// <param name="PromptTemplate">The text before the reply, with <c>{question}</c> once; null: questions are asked as messages of a user, by the model's chat template.</param>
/// <param name="OpenTag">First line of a reply.</param>
/// <param name="Fields">At least one, names unique.</param>
/// <param name="CloseTag">Last line, with no newline after it.</param>
/// <param name="AnswerField">The field in which the expected answer has to stand.</param>
public sealed record ReplyFormat(string Name, string? PromptTemplate, string OpenTag, IReadOnlyList<ReplyField> Fields, string CloseTag, string AnswerField)
{
    public const string QuestionPlaceholder = "{question}";

    private static readonly Lazy<ReplyFormat> LazyLema = new(ReadLema);

    /// <summary>The [LEMA_REPLY] format: Answer, Explanation, and a Confidence of High, Medium or Low.</summary>
    public static ReplyFormat Lema => LazyLema.Value;

    /// <summary>The format that is built in under a name; null where there is none.</summary>
    public static ReplyFormat? BuiltIn(string name) => name == Lema.Name ? Lema : null;

    /// <summary>The prompt of a question; generation continues directly after it.</summary>
    /// <exception cref="InvalidOperationException">The format has no prompt of its own.</exception>
    public string Prompt(string question) => PromptTemplate is { } template
        ? template.Replace(QuestionPlaceholder, question, StringComparison.Ordinal)
        : throw new InvalidOperationException($"The reply format {Name} has no prompt of its own.");

    /// <summary>The reply with these values, one for each field in order. It parses, unless a value breaks the format.</summary>
    public string Render(IReadOnlyList<string> values)
    {
        if (values.Count != Fields.Count) throw new ArgumentException($"{Fields.Count} values are needed, {values.Count} were given", nameof(values));
        StringBuilder text = new();
        text.Append(OpenTag).Append('\n');
        for (int i = 0; i < values.Count; i++) text.Append(Fields[i].Name).Append(": ").Append(values[i]).Append('\n');
        return text.Append(CloseTag).ToString();
    }

    /// <summary>Reads the whole text of a reply, without its end-of-text token, and explains the first deviation from the format.</summary>
    public ParsedReply Parse(string text) => ReplyParser.Parse(this, text);

    private static ReplyFormat ReadLema()
    {
        using StreamReader reader = new(EmbeddedAsset.Open("lema.yaml"));
        return ReplyFormatReader.Read(reader, "lema.yaml");
    }
}
