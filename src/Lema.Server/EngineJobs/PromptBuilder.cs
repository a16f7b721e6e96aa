using System.Text.Json;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Templates;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Turns prompts of clients into token ids: conversations by the model's chat template, or by the reply format where it has none. Lives as long as its model.</summary>
internal sealed class PromptBuilder(string modelFolder, Tokenizer tokenizer)
{
    private readonly ChatTemplate? _template = ChatTemplate.Load(modelFolder);

    /// <exception cref="InvalidInputException">A conversation that the template refuses, or without a user's message.</exception>
    public IReadOnlyList<int> Build(Proto.ChatPrompt prompt)
    {
        if (prompt.InputCase == Proto.ChatPrompt.InputOneofCase.Text) return tokenizer.EncodePrompt(prompt.Text);
        if (_template is null) return tokenizer.EncodePrompt(ReplyFormat.Lema.Prompt(LastQuestion(prompt.Conversation)));
        RenderedChat rendered = _template.Render(new ChatRequest
        {
            Messages = JsonSerializer.SerializeToElement(prompt.Conversation.Messages.Select(message => new { role = message.Role, content = message.Content })),
            AddGenerationPrompt = true, BosToken = tokenizer.BosToken, EosToken = tokenizer.EosToken,
        });
        // The template writes the special tokens itself.
        return tokenizer.Encode(rendered.Text, addSpecialTokens: false);
    }

    /// <summary>The reply format has no history: each question stands for itself.</summary>
    private string LastQuestion(Proto.Conversation conversation) => conversation.Messages.LastOrDefault(message => message.Role == "user")?.Content
        ?? throw new InvalidInputException(modelFolder, "conversation", "has no message of the user.");
}
