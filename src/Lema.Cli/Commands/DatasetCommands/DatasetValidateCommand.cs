using System.CommandLine;
using Lema.Cli.Connections;
using Lema.Cli.Errors;
using Lema.Cli.Rendering;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>Reads every row and says what is wrong.</summary>
internal sealed class DatasetValidateCommand : LemaCommand
{
    private readonly Argument<string> _name = new("DATASET") { Description = "Name of a dataset." };
    private readonly Option<string?> _model = new("--model", "-m") { Description = "Tokenize the rows for this model too and report their lengths.", HelpName = "MODEL" };
    private readonly Option<int> _maxLength = new("--max-length") { Description = "Tokens a row may have; 0: the model's limit." };
    private readonly Option<string?> _heldout = new("--heldout") { Description = "Dataset that must share no row with this one. [the one that belongs to it]", HelpName = "DATASET" };
    private readonly DatasetReadingOptions _reading = new();

    public DatasetValidateCommand() : base(
        "validate", "Read every row and say what is wrong, with lines and fields. Exit code 6 when there are errors.",
        "lema-remote dataset validate support-chats --model smollm2")
    {
        Add(_name);
        Add(_model);
        Add(_maxLength);
        Add(_heldout);
        _reading.AddTo(this);
    }

    protected override async Task<int> ExecuteAsync(Invocation call, CancellationToken cancellation)
    {
        ValidateDatasetRequest request = new() { Name = call.Get(_name), Model = call.Get(_model) ?? "", MaxLength = call.Get(_maxLength), Heldout = call.Get(_heldout) ?? "", Data = _reading.Read(call) };
        await using HostConnection host = await call.ConnectAsync(cancellation);
        ValidateDatasetResponse answer = await host.Datasets.ValidateDatasetAsync(request, cancellationToken: cancellation);
        call.Output.Result(answer, console => Write(console, answer));
        return answer.Valid ? ExitCode.Done : ExitCode.InvalidInput;
    }

    /// <summary>Rows by length, from the first length that there is to the last.</summary>
    private static string Lengths(ValidateDatasetResponse answer)
    {
        int[] filled = [.. answer.LengthCounts.Index().Where(bin => bin.Item > 0).Select(bin => bin.Index)];
        if (filled.Length == 0) return "";
        IEnumerable<int> bins = Enumerable.Range(filled[0], filled[^1] - filled[0] + 1);
        IEnumerable<string> texts = bins.Select(bin =>
        {
            string bound = answer.LengthBounds[bin] == int.MaxValue ? $"over {Quantity.Count(answer.LengthBounds[bin - 1])}" : $"to {Quantity.Count(answer.LengthBounds[bin])}";
            return $"{bound}: {Quantity.Count(answer.LengthCounts[bin])}";
        });
        return $"{Sparkline.Draw([.. bins.Select(bin => (double)answer.LengthCounts[bin])], 60)}  {string.Join(", ", texts)}";
    }

    private static void Write(IAnsiConsole console, ValidateDatasetResponse answer)
    {
        PropertyList list = new();
        list.Add("rows", Quantity.Count(answer.Rows));
        if (answer.Format.Length > 0) list.Add("format", $"{answer.Format}: {answer.FormatReason}");
        list.Add("valid", answer.Valid ? "yes" : "no");
        if (answer.Tokens > 0)
        {
            list.Add("tokens", $"{Quantity.Count(answer.Tokens)}, {Quantity.Count(answer.LossTokens)} ({Quantity.Percent((double)answer.LossTokens / answer.Tokens)}) carry loss");
            list.Add("row length", $"{answer.MeanRowTokens:0.0} tokens in the mean, {answer.LongestRowTokens} at the most");
            list.Add("too long", $"{Quantity.Count(answer.RowsOverLength)} rows");
            list.Add("lengths", Lengths(answer));
        }
        list.Write(console);
        foreach (DatasetProblem problem in answer.Problems)
        {
            string field = problem.Field.Length > 0 ? $"{problem.Field}: " : "";
            string line = problem.Line > 0 ? $"line {problem.Line}: " : "";
            console.WriteLine(SafeText.Of($"{(problem.IsError ? "error" : "warning")}: {line}{field}{problem.Problem}"));
        }
        long hidden = answer.ProblemCount - answer.Problems.Count;
        if (hidden > 0) console.WriteLine($"... and {Quantity.Count(hidden)} more");
    }
}
