using System.Text.Json;
using Lema.Engine.Datasets.Templates.Evaluation;
using Lema.Engine.Datasets.Templates.Library;
using Lema.Engine.Datasets.Templates.Parsing;
using Lema.Engine.Datasets.Tokenizers.Loading;
using Lema.Engine.Errors;

namespace Lema.Engine.Datasets.Templates;

/// <summary>
/// A model's chat template: a sandboxed Jinja subset that renders what transformers renders. A template reaches no object of .NET and is bounded in time, text
/// and depth. Safe for use by many threads at once.
/// </summary>
public sealed class ChatTemplate
{
    private readonly string _source;
    private readonly IReadOnlyList<Statement> _body;
    private readonly TimeProvider _clock;

    private ChatTemplate(string template, string source, TimeProvider clock)
    {
        (_source, _clock) = (source, clock);
        _body = Guarded(() => TemplateParser.Parse(template));
    }

    /// <param name="template">The text of the template.</param>
    /// <param name="source">What to call it in errors.</param>
    /// <param name="clock">What strftime_now reads; null: the system's.</param>
    /// <exception cref="InvalidInputException">The template is not valid.</exception>
    public static ChatTemplate Parse(string template, string source, TimeProvider? clock = null) => new(template, source, clock ?? TimeProvider.System);

    /// <summary>The template of a model folder: chat_template.jinja, or the one within tokenizer_config.json; null where it has none.</summary>
    /// <exception cref="InvalidInputException">The template is not valid.</exception>
    public static ChatTemplate? Load(string modelFolder, TimeProvider? clock = null)
    {
        string file = Path.Combine(modelFolder, "chat_template.jinja");
        if (File.Exists(file)) return Parse(File.ReadAllText(file), file, clock);
        return NamedTokens.ChatTemplateOf(modelFolder) is var (template, source) ? Parse(template, source, clock) : null;
    }

    /// <summary>Renders a conversation.</summary>
    /// <exception cref="InvalidInputException">The template refuses the conversation (its own words are the problem) or fails on it.</exception>
    public RenderedChat Render(ChatRequest request)
    {
        Budget budget = new();
        return Guarded(() =>
        {
            Scope globals = Globals.Create(_clock.GetLocalNow(), budget);
            request.AddTo(globals);
            (string text, IReadOnlyList<(int Start, int End)> generations) = Interpreter.Render(_body, globals, budget);
            return new RenderedChat(text, generations);
        });
    }

    /// <summary>Whether the template marks what the assistant wrote.</summary>
    public bool MarksGeneration => GenerationMarks.AreIn(_body);

    private T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (TemplateError problem)
        {
            throw new InvalidInputException(_source, "", problem.Message, problem);
        }
    }
}

/// <summary>A rendered conversation.</summary>
/// <param name="Generations">What the assistant wrote: [start, end) in UTF-16 units, where the template marks it.</param>
public sealed record RenderedChat(string Text, IReadOnlyList<(int Start, int End)> Generations)
{
    /// <summary>Whether a part of the text overlaps what the assistant wrote.</summary>
    public bool Covers(int start, int end) => Generations.Any(span => start < span.End && end > span.Start);
}

/// <summary>What a template is rendered with.</summary>
public sealed record ChatRequest
{
    /// <summary>An array of messages, each an object.</summary>
    public required JsonElement Messages { get; init; }

    /// <summary>An array of tools, or null for none.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Ends with what the assistant's reply begins with.</summary>
    public bool AddGenerationPrompt { get; init; }

    public string? BosToken { get; init; }

    public string? EosToken { get; init; }

    /// <summary>Further variables, an object.</summary>
    public JsonElement? Extra { get; init; }

    internal void AddTo(Scope scope)
    {
        scope["messages"] = ChatMessages.Prepare(JsonValues.Of(Messages));
        scope["tools"] = Tools is { } tools ? JsonValues.Of(tools) : null;
        scope["documents"] = null;
        scope["add_generation_prompt"] = AddGenerationPrompt;
        if (BosToken is not null) scope["bos_token"] = BosToken;
        if (EosToken is not null) scope["eos_token"] = EosToken;
        if (Extra is { ValueKind: JsonValueKind.Object } extra)
        {
            foreach (JsonProperty property in extra.EnumerateObject()) scope[property.Name] = JsonValues.Of(property.Value);
        }
    }
}
