using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Conversations;
using Lema.Cli.Errors;
using Lema.Cli.RunFiles;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands;

/// <summary>Talks with a run's model or a base model.</summary>
internal sealed class ChatCommand : LemaCommand
{
    private readonly Argument<string> _target = new("RUN|MODEL") { Description = "Name or id of a run, or name of a model." };
    private readonly Option<string?> _checkpoint = new("--checkpoint") { Description = "last, best or a step. [last]", HelpName = "C" };
    private readonly Option<string?> _message = new("--message") { Description = "One message; the reply, and the end.", HelpName = "TEXT" };
    private readonly Option<string?> _messages = new("--messages") { Description = "A message a line (text, or JSON with message or question); all are answered together. - reads standard input.", HelpName = "FILE" };
    private readonly Option<string?> _compare = new("--compare") { Description = "base: the base model's reply beside the run's.", HelpName = "base" };
    private readonly Option<string?> _system = new("--system") { Description = "System message.", HelpName = "TEXT" };
    private readonly Option<string?> _format = new("--reply-format") { Description = "Form to judge replies by: a YAML file, or the name of a built-in one. [the run's, else lema]", HelpName = "FILE" };
    private readonly Option<bool> _markdown = new("--markdown") { Description = "At a terminal, show Markdown in replies as headings, emphasis and code, a line at a time. Without it a reply is shown as it is." };
    private readonly SamplingOptions _sampling = new();

    public ChatCommand() : base(
        "chat", "Talk with a run's model or a base model: streamed tokens, with history. Piped text is one message. /help in a chat lists its commands.",
        "lema-remote chat first",
        "lema-remote chat first --message 'What is the capital of France?' --compare base",
        "cat questions.txt | lema-remote chat first --messages - --format json")
    {
        _compare.AcceptOnlyFromAmong("base");
        Add(_target);
        foreach (Option option in new Option[] { _checkpoint, _message, _messages, _compare, _system, _format, _markdown }) Add(option);
        _sampling.AddTo(this);
        Validators.Add(result =>
        {
            if (result.GetResult(_message) is not null && result.GetResult(_messages) is not null) result.AddError("--message and --messages exclude each other.");
        });
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        ReplyFormat? format = call.Get(_format) is { } named ? ReplyFormatFile.Read(call.Environment, named) : null;
        await using HostConnection host = await call.ConnectAsync(cancellation);
        ModelReference target = await TargetResolver.ResolveAsync(host, call.Get(_target), call.Get(_checkpoint), cancellation);
        bool compare = call.Get(_compare) is not null;
        if (compare && target.TargetCase != ModelReference.TargetOneofCase.Run) throw new CliException(ExitCode.WrongUsage, "--compare base needs a run; this is a base model already.");
        ChatSession session = new(host, call.Output, call.Environment, target, _sampling.Read(call)) { SystemMessage = call.Get(_system), Compare = compare, ReplyFormat = format, Markdown = call.Get(_markdown) };
        if (call.Get(_messages) is { } file)
        {
            await session.AnswerAllAsync(MessageFile.Parse(InputFile.Read(call.Environment, file)), cancellation);
        }
        else if (OneMessage(call) is { } message)
        {
            if (message.Length == 0) throw new CliException(ExitCode.WrongUsage, "There is no message.", "Say --message TEXT, or pipe text in.");
            await session.AnswerAsync(message, cancellation);
        }
        else
        {
            await new ChatLoop(session, call.Output, call.Environment).RunAsync(cancellation);
        }
        return ExitCode.Done;
    }

    private string? OneMessage(Invocation call)
    {
        if (call.Get(_message) is { } given) return given;
        return call.Environment.InIsTerminal ? null : call.Environment.In.ReadToEnd().TrimEnd('\n');
    }
}
