using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Cli.Terminals;

namespace Lema.Cli.Conversations;

/// <summary>The chat at the terminal: lines in, replies and the effect of / commands out, until /quit or the end of input.</summary>
internal sealed class ChatLoop(ChatSession session, Output output, CliEnvironment environment)
{
    private const string Prompt = "you> ";
    private const string MorePrompt = "...  ";
    private const string Quotes = "\"\"\"";

    private readonly ChatHistory _history = ChatHistory.Load(Path.Combine(environment.ConfigFolder, ChatHistory.FileName));

    public async Task RunAsync(CancellationToken cancellation)
    {
        ChatCommands commands = new(session, output, environment);
        LineEditor lines = new(environment, _history.Lines);
        output.Note("Say something; /help lists the commands, Ctrl-C stops a reply, /quit ends.");
        output.Note("Several lines: end them with \\, or put them between lines of \"\"\".");
        while (!cancellation.IsCancellationRequested && ReadMessage(lines) is { } message)
        {
            if (message.Trim().Length == 0) continue;
            _history.Add(message);
            if (message.StartsWith('/'))
            {
                if (!commands.Execute(message)) return;
                continue;
            }
            await AnswerAsync(message, cancellation);
        }
        cancellation.ThrowIfCancellationRequested();
    }

    private async Task AnswerAsync(string message, CancellationToken cancellation)
    {
        try
        {
            await environment.Interrupts.RunStepAsync(step => session.AnswerAsync(message, step));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            output.Live.Clear();
            environment.Error.WriteLine();
            output.Note("[stopped]");
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested && FailureReport.TryCreate(failure, interrupted: false, out FailureReport? report))
        {
            report.Write(environment.Error);
        }
    }

    /// <summary>A message of one or more lines; null at the end of input.</summary>
    private static string? ReadMessage(LineEditor lines)
    {
        string? line = lines.Read(Prompt);
        if (line is null) return null;
        List<string> message = [];
        if (line.Trim() == Quotes)
        {
            while (lines.Read(MorePrompt) is { } quoted && quoted.Trim() != Quotes) message.Add(quoted);
            return string.Join('\n', message);
        }
        while (line is not null && line.EndsWith('\\'))
        {
            message.Add(line[..^1]);
            line = lines.Read(MorePrompt);
        }
        if (line is not null) message.Add(line);
        return string.Join('\n', message);
    }
}
