using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Templates;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Rows;

/// <summary>Turns rows into tokens and labels. Safe for use by many threads at once.</summary>
/// <param name="template">The model's chat template; null where it has none.</param>
public sealed class RowTokenizer(Tokenizer tokenizer, ChatTemplate? template, LabelMask mask)
{
    /// <summary>The tokenizer for the rows of a file, with the chat template of its model.</summary>
    public static RowTokenizer Of(string file, Tokenizer tokenizer, LabelMask mask) => new(tokenizer, ChatTemplate.Load(tokenizer.Folder, new FileClock(file)), mask);

    /// <param name="place">Where the row stands, for errors.</param>
    /// <exception cref="InvalidInputException">A conversation cannot be rendered.</exception>
    public TokenizedRow Tokenize(DatasetRow row, string place)
    {
        TokenizedRow tokenized = row switch
        {
            TextRow text => FromText(text.Text),
            PairRow pair => TokenizedRow.FromPair(tokenizer, pair.Prompt, pair.Completion),
            ChatRow chat when template is not null => new ChatTokenizer(tokenizer, template, mask).Tokenize(chat, place),
            ChatRow chat => FromPlainChat(chat, place),
            _ => throw new InvalidOperationException($"{row.GetType().Name} cannot be tokenized."),
        };
        return mask == LabelMask.All ? tokenized with { Labels = tokenized.Ids } : tokenized;
    }

    private TokenizedRow FromText(string text)
    {
        List<long> ids = [.. tokenizer.Encode(text, addSpecialTokens: true).Select(id => (long)id)];
        if (tokenizer.EosTokenId is { } eos && (ids.Count == 0 || ids[^1] != eos)) ids.Add(eos);
        return new TokenizedRow([.. ids], [.. ids]);
    }

    // A base model has no template; one question and one answer can still be written the way Alpaca was.
    private TokenizedRow FromPlainChat(ChatRow chat, string place) => AlpacaPrompt.Of(chat.Messages) is var (prompt, completion)
        ? TokenizedRow.FromPair(tokenizer, prompt, completion)
        : throw new InvalidInputException(place, "", "is a conversation, but the model has no chat template. Put chat_template.jinja into the model's folder.");
}
