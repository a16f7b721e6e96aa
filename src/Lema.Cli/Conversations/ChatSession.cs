using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Rendering;
using Lema.Cli.Terminals;
using Lema.Protocol.V1;

namespace Lema.Cli.Conversations;

/// <summary>One conversation: what was said so far, and how replies are made and shown.</summary>
internal sealed class ChatSession(HostConnection host, Output output, CliEnvironment environment, ModelReference target, SamplingSettings sampling)
{
    private readonly List<ChatMessage> _history = [];

    public string? SystemMessage { get; set; }

    /// <summary>Whether the base model's reply is shown first.</summary>
    public bool Compare { get; set; }

    /// <summary>Whether replies are shown as Markdown at a terminal; else as they are, which a strict form needs.</summary>
    public bool Markdown { get; set; }

    /// <summary>The form that replies are judged by; null: the run's, or else the built-in one.</summary>
    public ReplyFormat? ReplyFormat { get; init; }

    public ModelReference Target { get; } = target.Clone();

    public IReadOnlyList<ChatMessage> History => _history;

    public void Reset() => _history.Clear();

    /// <summary>Streams the reply to a message of the user, and remembers both.</summary>
    public async Task AnswerAsync(string message, CancellationToken cancellation)
    {
        if (Compare)
        {
            output.Note("base:");
            await StreamAsync(BaseOf(Target), message, cancellation);
            output.Note("run:");
        }
        ChatCompletion? completion = await StreamAsync(Target, message, cancellation);
        if (completion is null) return;
        _history.Add(new ChatMessage { Role = "user", Content = message });
        _history.Add(new ChatMessage { Role = "assistant", Content = completion.Text });
    }

    /// <summary>Answers many messages together, each a conversation of its own, and prints the replies in order.</summary>
    public async Task AnswerAllAsync(IReadOnlyList<string> messages, CancellationToken cancellation)
    {
        IReadOnlyList<ChatCompletion> baseReplies = Compare ? await CompleteAsync(BaseOf(Target), messages, cancellation) : [];
        IReadOnlyList<ChatCompletion> replies = await CompleteAsync(Target, messages, cancellation);
        for (int i = 0; i < replies.Count; i++)
        {
            if (Compare) ShowOne($"{messages[i]}\n\nbase:", baseReplies[i]);
            ShowOne(Compare ? "run:" : messages[i], replies[i]);
        }
    }

    private void ShowOne(string heading, ChatCompletion completion) => output.Result(completion, _ =>
    {
        environment.Out.WriteLine($"> {SafeText.Of(heading).Replace("\n", "\n> ", StringComparison.Ordinal)}");
        environment.Out.WriteLine(Shown(completion.Text));
        environment.Out.WriteLine();
    });

    private async Task<ChatCompletion?> StreamAsync(ModelReference model, string message, CancellationToken cancellation)
    {
        using AsyncServerStreamingCall<ChatResponse> call = host.Chat.Chat(Request(model, [message], _history), cancellationToken: cancellation);
        ChatCompletion? completion = null;
        JobProgress progress = new(output, environment.Clock);
        MarkdownWriter? markdown = Markdown && environment.OutIsTerminal ? new MarkdownWriter(output.Text) : null;
        try
        {
            await foreach (ChatResponse response in call.ResponseStream.ReadAllAsync(cancellation))
            {
                if (response.KindCase == ChatResponse.KindOneofCase.Completion) completion = response.Completion;
                if (output.Json) output.WriteJson(response);
                else Show(response, progress, markdown);
            }
        }
        finally
        {
            markdown?.End();
        }
        return completion;
    }

    private void Show(ChatResponse response, JobProgress progress, MarkdownWriter? markdown)
    {
        switch (response.KindCase)
        {
            case ChatResponse.KindOneofCase.Progress:
                progress.Show(response.Progress);
                break;
            case ChatResponse.KindOneofCase.Delta:
                output.Live.Clear();
                if (markdown is not null) markdown.Write(response.Delta.Text);
                else environment.Out.Write(Shown(response.Delta.Text));
                break;
            default:
                output.Live.Clear();
                if (markdown is not null) markdown.End();
                else environment.Out.WriteLine();
                output.Note(ReplyText.Verdict(response.Completion));
                break;
        }
    }

    private async Task<IReadOnlyList<ChatCompletion>> CompleteAsync(ModelReference model, IReadOnlyList<string> messages, CancellationToken cancellation)
    {
        using AsyncServerStreamingCall<ChatResponse> call = host.Chat.Chat(Request(model, messages, []), cancellationToken: cancellation);
        SortedDictionary<int, ChatCompletion> completions = [];
        JobProgress progress = new(output, environment.Clock);
        await foreach (ChatResponse response in call.ResponseStream.ReadAllAsync(cancellation))
        {
            if (response.KindCase != ChatResponse.KindOneofCase.Completion) continue;
            completions[response.Completion.Prompt] = response.Completion;
            progress.Show(new Progress { Phase = "answering", Done = completions.Count, Total = messages.Count, Unit = "messages" });
        }
        progress.End();
        return [.. completions.Values];
    }

    private ChatRequest Request(ModelReference model, IEnumerable<string> messages, IReadOnlyList<ChatMessage> history)
    {
        ChatRequest request = new() { Target = model, Sampling = sampling, ReplyFormat = ReplyFormat };
        foreach (string message in messages)
        {
            Conversation conversation = new();
            if (SystemMessage is { Length: > 0 } system) conversation.Messages.Add(new ChatMessage { Role = "system", Content = system });
            conversation.Messages.AddRange(history);
            conversation.Messages.Add(new ChatMessage { Role = "user", Content = message });
            request.Prompts.Add(new ChatPrompt { Conversation = conversation });
        }
        return request;
    }

    private static ModelReference BaseOf(ModelReference run)
    {
        ModelReference other = run.Clone();
        other.BaseOnly = true;
        return other;
    }

    /// <summary>A reply as the terminal gets it; into a file or pipe it goes unchanged.</summary>
    private string Shown(string text) => environment.OutIsTerminal ? SafeText.Of(text) : text;
}
