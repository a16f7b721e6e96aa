using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Errors;
using Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>Turns prompts of clients into token ids. Lives as long as its model.</summary>
internal sealed class PromptBuilder(string modelFolder, Tokenizer tokenizer)
{
    /// <exception cref="InvalidInputException">A conversation without a user's message.</exception>
    public IReadOnlyList<int> Build(ChatPrompt prompt) => prompt.InputCase == ChatPrompt.InputOneofCase.Text
        ? tokenizer.EncodePrompt(prompt.Text)
        : tokenizer.EncodePrompt(ReplyFormat.Lema.Prompt(LastQuestion(prompt.Conversation)));

    /// <summary>The reply format has no history: each question stands for itself.</summary>
    private string LastQuestion(Conversation conversation) => conversation.Messages.LastOrDefault(message => message.Role == "user")?.Content
        ?? throw new InvalidInputException(modelFolder, "conversation", "has no message of the user.");
}
