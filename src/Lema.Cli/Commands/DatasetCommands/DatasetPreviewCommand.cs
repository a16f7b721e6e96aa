using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>Rows as the model will see them.</summary>
internal sealed class DatasetPreviewCommand : LemaCommand
{
    private readonly Argument<string> _name = new("DATASET") { Description = "Name of a dataset." };
    private readonly Option<string> _model = new("--model", "-m") { Description = "Whose tokenizer and template.", HelpName = "MODEL", DefaultValueFactory = _ => "lema-tiny" };
    private readonly Option<long> _first = new("--first") { Description = "First row, from 0." };
    private readonly Option<int> _count = new("--count", "-n") { Description = "Rows wanted.", DefaultValueFactory = _ => 3 };
    private readonly Option<int> _maxLength = new("--max-length") { Description = "Tokens a row may have; 0: the model's limit." };
    private readonly Option<bool> _tokens = new("--tokens") { Description = "A line a token, with ids." };
    private readonly DatasetReadingOptions _reading = new();

    public DatasetPreviewCommand() : base(
        "preview", "Rows as the model will see them: tokens, and which of them carry loss (underlined, or between « and »).",
        "lema-remote dataset preview replies --model lema-tiny --count 2",
        "lema-remote dataset preview replies --tokens --count 1")
    {
        foreach (Option option in new Option[] { _model, _first, _count, _maxLength, _tokens }) Add(option);
        _reading.AddTo(this);
        Add(_name);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        await using HostConnection host = await call.ConnectAsync(cancellation);
        PreviewDatasetRequest request = new()
        {
            Name = call.Get(_name),
            Model = call.Required(_model),
            FirstRow = call.Get(_first),
            Count = call.Get(_count),
            MaxLength = call.Get(_maxLength),
            Data = _reading.Read(call),
        };
        PreviewDatasetResponse answer = await host.Datasets.PreviewDatasetAsync(request, cancellationToken: cancellation);
        call.Output.Result(answer, console =>
        {
            console.WriteLine(SafeText.Of($"format {answer.Format}: {answer.FormatReason}"));
            foreach (PreviewRow row in answer.Rows)
            {
                DatasetText.WritePreview(console, row);
                if (call.Get(_tokens)) DatasetText.WriteTokens(console, row);
                console.WriteLine();
            }
        });
        return ExitCode.Done;
    }
}
