using System.Text.Json;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Datasets.Templates;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>
/// Turns what clients ask into token ids: by a reply format's own prompt, by the model's chat template, or, where it has none, as models without one are trained.
/// Lives as long as its model.
/// </summary>
internal sealed class PromptBuilder(string modelFolder, Tokenizer tokenizer)
{
    private readonly ChatTemplate? _template = ChatTemplate.Load(modelFolder);

    /// <param name="format">The reply format that is named; null: none.</param>
    /// <exception cref="InvalidInputException">A conversation that the template refuses, or without a user's message.</exception>
    public IReadOnlyList<int> Of(Proto.ChatPrompt prompt, ReplyFormat? format)
    {
        if (prompt.InputCase == Proto.ChatPrompt.InputOneofCase.Text) return tokenizer.EncodePrompt(prompt.Text);
        if (format is null ? _template is null : format.PromptTemplate is not null) return Of(LastQuestion(prompt.Conversation), format ?? ReplyFormat.Lema);
        return Of(prompt.Conversation);
    }

    /// <summary>A question on its own, as a reply format asks it.</summary>
    public IReadOnlyList<int> Of(string question, ReplyFormat format) => format.PromptTemplate is not null
        ? tokenizer.EncodePrompt(format.Prompt(question))
        : Of(new Proto.Conversation { Messages = { new Proto.ChatMessage { Role = "user", Content = question } } });

    private IReadOnlyList<int> Of(Proto.Conversation conversation)
    {
        if (_template is null) return tokenizer.EncodePrompt(AlpacaPrompt.Of(LastQuestion(conversation)));
        RenderedChat rendered = _template.Render(new ChatRequest
        {
            Messages = JsonSerializer.SerializeToElement(conversation.Messages.Select(message => new { role = message.Role, content = message.Content })),
            AddGenerationPrompt = true, BosToken = tokenizer.BosToken, EosToken = tokenizer.EosToken,
        });
        // The template writes the special tokens itself.
        return tokenizer.Encode(rendered.Text, addSpecialTokens: false);
    }

    /// <summary>Prompts without a template have no history: each question stands for itself.</summary>
    private string LastQuestion(Proto.Conversation conversation) => conversation.Messages.LastOrDefault(message => message.Role == "user")?.Content
        ?? throw new InvalidInputException(modelFolder, "conversation", "has no message of the user.");
}
