using Lema.Cli.Files;
using Lema.Cli.Help;
using Lema.Cli.Rendering;
using Lema.Cli.Terminals;
using Lema.Protocol.V1;

namespace Lema.Cli.Conversations;

/// <summary>The / commands of a chat.</summary>
internal sealed class ChatCommands(ChatSession session, Output output, CliEnvironment environment)
{
    private static readonly (string Name, string Help)[] Known =
    [
        ("/help", "this list"),
        ("/reset", "forget what was said"),
        ("/system TEXT", "set the system message; without a text: take it away"),
        ("/checkpoint C", "talk with another checkpoint of the run: last, best or a step"),
        ("/compare", "show the base model's reply too, or no longer"),
        ("/markdown", "show Markdown in replies as headings, emphasis and code, or no longer"),
        ("/save FILE", "write the conversation as a line of a messages dataset"),
        ("/quit", "end"),
    ];

    /// <returns>False when the chat is to end.</returns>
    public bool Execute(string line)
    {
        string[] parts = line.Split(' ', 2, StringSplitOptions.TrimEntries);
        string argument = parts.Length > 1 ? parts[1] : "";
        switch (parts[0])
        {
            case "/help":
                foreach ((string name, string help) in Known) output.Warn($"{name,-16} {help}");
                break;
            case "/reset":
                session.Reset();
                output.Note("Forgotten.");
                break;
            case "/system":
                session.SystemMessage = argument.Length > 0 ? argument : null;
                output.Note(argument.Length > 0 ? "Set." : "Taken away.");
                break;
            case "/checkpoint":
                ChooseCheckpoint(argument);
                break;
            case "/compare":
                ToggleCompare();
                break;
            case "/markdown":
                session.Markdown = !session.Markdown;
                output.Note(session.Markdown ? "Markdown is shown as what it stands for." : "Replies are shown as they are.");
                break;
            case "/save":
                Save(argument);
                break;
            case "/quit" or "/exit":
                return false;
            default:
                string? nearest = Suggestion.Nearest(parts[0], Known.Select(k => k.Name.Split(' ')[0]));
                output.Warn(nearest is null ? $"There is no {parts[0]}; /help lists the commands." : $"There is no {parts[0]}; did you mean {nearest}?");
                break;
        }
        return true;
    }

    private void ChooseCheckpoint(string checkpoint)
    {
        if (session.Target.TargetCase != ModelReference.TargetOneofCase.Run) output.Warn("This is a base model; only runs have checkpoints.");
        else if (checkpoint.Length == 0) output.Warn("Which? last, best or a step.");
        else
        {
            session.Target.Checkpoint = checkpoint;
            output.Note($"Talking with checkpoint {checkpoint} now.");
        }
    }

    private void ToggleCompare()
    {
        if (session.Target.TargetCase != ModelReference.TargetOneofCase.Run)
        {
            output.Warn("This is a base model already.");
            return;
        }
        session.Compare = !session.Compare;
        output.Note(session.Compare ? "The base model answers too." : "The base model is silent again.");
    }

    private void Save(string file)
    {
        if (file.Length == 0)
        {
            output.Warn("Where? /save FILE");
            return;
        }
        string path = environment.FullPath(file);
        try
        {
            Conversation conversation = new();
            if (session.SystemMessage is { } system) conversation.Messages.Add(new ChatMessage { Role = "system", Content = system });
            conversation.Messages.AddRange(session.History);
            ResultFile.Write(path, Google.Protobuf.JsonFormatter.Default.Format(conversation) + "\n");
            output.Note($"Wrote {path}.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            output.Warn(failure.Message);
        }
    }
}
