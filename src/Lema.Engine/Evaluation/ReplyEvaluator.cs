using Lema.Engine.Datasets.Replies;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Generation;
using Lema.Engine.Models;

namespace Lema.Engine.Evaluation;

/// <summary>Asks a model, base or adapted, a list of questions, greedily and many at a time, and judges form and content of its replies.</summary>
/// <param name="endTokens">Tokens that end a reply.</param>
/// <param name="format">The format to judge by.</param>
/// <param name="generator">Bounds of the memory in use.</param>
public sealed class ReplyEvaluator(LanguageModel model, Tokenizer tokenizer, IReadOnlySet<int> endTokens, ReplyFormat format, GeneratorOptions? generator = null)
{
    private readonly Generator _generator = new(model, generator);

    /// <summary>Turns a question into the ids of its prompt. By default the format's own prompt; a model's chat template is the other choice.</summary>
    public Func<string, IReadOnlyList<int>> Prompt { get; init; } = question => tokenizer.EncodePrompt(format.Prompt(question));

    /// <summary>Tokens of a reply at the most.</summary>
    public int MaxNewTokens { get; init; } = 96;

    /// <param name="onFinished">Called with the number of finished replies, each time one more is finished.</param>
    /// <exception cref="Errors.InvalidInputException">A question does not fit the model's context.</exception>
    public ReplyEvaluation Evaluate(IReadOnlyList<ReplyQuestion> questions, Action<int>? onFinished = null, CancellationToken stop = default) =>
        Evaluate([.. questions.Select(question => new PromptedQuestion(question, Prompt(question.Question)))], onFinished, stop);

    /// <summary>The same for questions whose prompts are tokens already.</summary>
    public ReplyEvaluation Evaluate(IReadOnlyList<PromptedQuestion> questions, Action<int>? onFinished = null, CancellationToken stop = default)
    {
        int finished = 0;
        GenerationRequest[] requests = [.. questions.Select(question => new GenerationRequest { Prompt = question.Prompt, MaxNewTokens = MaxNewTokens, EndTokens = endTokens })];
        // Special tokens stay visible: one in the middle of a reply breaks its format.
        IReadOnlyList<GeneratedReply> replies = _generator.Generate(requests, () => TextDecoder.Of(tokenizer, skipSpecialTokens: false), delta =>
        {
            if (delta.Finished is not null) onFinished?.Invoke(++finished);
        }, stop);
        return new ReplyEvaluation([.. questions.Zip(replies, (asked, reply) => Judge(asked.Question, reply))]);
    }

    private EvaluatedReply Judge(ReplyQuestion question, GeneratedReply reply)
    {
        ParsedReply parsed = format.Parse(reply.Text);
        return new EvaluatedReply(question, reply.Text, parsed, RightAnswer.Holds(format, parsed, reply.Text, question.Expected));
    }
}
