using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Conversations;
using Lema.Cli.Errors;
using Lema.Cli.Files;
using Lema.Cli.Rendering;
using Lema.Cli.RunFiles;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands;

/// <summary>How well a run or a model answers.</summary>
internal sealed class EvalCommand : LemaCommand
{
    private readonly Argument<string> _target = new("RUN|MODEL") { Description = "Name or id of a run, or name of a model." };
    private readonly Option<string?> _questions = new("--questions") { Description = "JSON Lines with question and expected; - reads standard input.", HelpName = "FILE.jsonl" };
    private readonly Option<string?> _text = new("--text") { Description = "Plain text; the result is its perplexity.", HelpName = "FILE" };
    private readonly Option<string?> _dataset = new("--dataset", "-d") { Description = "Dataset of the host whose rows have a question and an answer.", HelpName = "DATASET" };
    private readonly Option<string?> _checkpoint = new("--checkpoint") { Description = "last, best or a step. [last]", HelpName = "C" };
    private readonly Option<bool> _base = new("--base") { Description = "The run's base model without its adapter." };
    private readonly Option<int> _limit = new("--limit") { Description = "With --dataset: only the first rows." };
    private readonly Option<int> _maxTokens = new("--max-tokens") { Description = "Tokens a reply may have.", DefaultValueFactory = _ => 128 };
    private readonly Option<string?> _format = new("--reply-format") { Description = "Form to ask in and to judge by: a YAML file, or the name of a built-in one. [the run's, else lema]", HelpName = "FILE" };
    private readonly Option<string?> _replies = new("--replies") { Description = "Also write every reply to this file, as JSON Lines.", HelpName = "FILE" };

    public EvalCommand() : base(
        "eval", "Greedy replies to questions: how many have the reply format, how many are right. Or the perplexity of a text.",
        "lema-remote eval first --questions heldout.jsonl",
        "lema-remote eval first --dataset replies-heldout --base",
        "lema-remote eval lema-tiny --text page.txt")
    {
        Add(_target);
        foreach (Option option in new Option[] { _questions, _text, _dataset, _checkpoint, _base, _limit, _maxTokens, _format, _replies }) Add(option);
        Validators.Add(result =>
        {
            int given = new Option[] { _questions, _text, _dataset }.Count(o => result.GetResult(o) is not null);
            if (given != 1) result.AddError("Say exactly one of --questions, --text and --dataset.");
        });
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        StartEvaluationRequest request = new() { MaxTokens = call.Get(_maxTokens), Limit = call.Get(_limit), IdempotencyKey = Guid.NewGuid().ToString("N") };
        if (call.Get(_questions) is { } questions) request.Questions = QuestionFile.Parse(InputFile.Read(call.Environment, questions), questions);
        else if (call.Get(_text) is { } text) request.Text = InputFile.Read(call.Environment, text);
        else request.Dataset = call.Get(_dataset);
        if (call.Get(_format) is { } format) request.ReplyFormat = ReplyFormatFile.Read(call.Environment, format);
        await using HostConnection host = await call.ConnectAsync(cancellation);
        request.Target = await TargetResolver.ResolveAsync(host, call.Get(_target), call.Get(_checkpoint), cancellation);
        request.Target.BaseOnly = call.Get(_base);
        EvaluationOutcome outcome = await new EvaluationFollower(host, call.Output, call.Environment.Clock).RunAsync(request, cancellation);
        call.Output.Result(outcome.Result, console => Write(console, outcome.Result));
        // After the figures: a full disk must not take them away.
        if (call.Get(_replies) is { } file) ResultFile.Write(call.Environment.FullPath(file), string.Concat(outcome.Replies.Select(r => Output.JsonOf(r) + "\n")));
        return ExitCode.Done;
    }

    private static void Write(IAnsiConsole console, EvaluationResult result)
    {
        PropertyList list = new();
        if (result.Questions > 0)
        {
            list.Add("questions", Quantity.Count(result.Questions));
            list.Add("reply format", result.ReplyFormat);
            list.Add("valid format", $"{Quantity.Count(result.ValidFormat)} ({Quantity.Percent((double)result.ValidFormat / result.Questions)})");
            list.Add("right answer", $"{Quantity.Count(result.RightAnswer)} ({Quantity.Percent((double)result.RightAnswer / result.Questions)})");
        }
        if (result.Perplexity > 0) list.Add("perplexity", $"{result.Perplexity:0.000} over {Quantity.Count(result.Tokens)} tokens");
        list.Add("time", Quantity.Duration(result.Seconds));
        list.Write(console);
    }
}
