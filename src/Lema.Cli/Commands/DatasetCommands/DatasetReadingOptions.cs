using System.CommandLine;
using Lema.Cli.RunFiles;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.DatasetCommands;

/// <summary>How a run would read a dataset, as keys below <c>data</c> of its run file.</summary>
internal sealed class DatasetReadingOptions
{
    private readonly Option<DataSettings.Types.Labels?> _labels = new("--labels") { Description = "Which tokens carry loss. [completion]", HelpName = "completion|lastTurn|all" };
    private readonly Option<DataSettings.Types.Truncation?> _truncation = new("--truncation") { Description = "What becomes of rows that are too long. [cut]", HelpName = "cut|drop|refuse" };
    private readonly Option<string?> _format = new("--reply-format") { Description = "Form of the replies to questions: a YAML file, or the name of a built-in one. [lema]", HelpName = "FILE" };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _labels, _truncation, _format }) command.Add(option);
    }

    public DataSettings Read(Invocation call)
    {
        DataSettings data = new();
        if (call.Get(_labels) is { } labels) data.Labels = labels;
        if (call.Get(_truncation) is { } truncation) data.Truncation = truncation;
        if (call.Get(_format) is { } format) data.ReplyFormat = ReplyFormatFile.Read(call.Environment, format);
        return data;
    }
}
