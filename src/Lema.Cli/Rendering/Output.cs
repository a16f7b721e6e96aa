using System.Text.Json;
using Google.Protobuf;
using Lema.Cli.Terminals;
using Spectre.Console;

namespace Lema.Cli.Rendering;

/// <summary>
/// Where a command's output goes. As text, results go to standard output and notes to standard error; as JSON, standard output carries only the
/// protobuf JSON form of the answer, one object a line.
/// </summary>
internal sealed class Output
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    private readonly CliEnvironment _environment;

    public Output(CliEnvironment environment, bool json, bool quiet, bool color)
    {
        _environment = environment;
        Json = json;
        Quiet = quiet;
        Text = Console(environment.Out, environment.OutIsTerminal, environment.OutWidth(), color);
        Live = new LiveLine(environment, quiet);
    }

    public bool Json { get; }

    public bool Quiet { get; }

    /// <summary>Standard output, for results as text.</summary>
    public IAnsiConsole Text { get; }

    public LiveLine Live { get; }

    /// <summary>Columns that results have room for.</summary>
    public int Width => _environment.OutWidth();

    /// <summary>A message in the form that scripts rely on, without a line's end.</summary>
    public static string JsonOf(IMessage message) => Formatter.Format(message);

    /// <summary>The JSON line of a message, or its text.</summary>
    public void Result(IMessage message, Action<IAnsiConsole> render)
    {
        Live.Clear();
        if (Json) WriteJson(message);
        else render(Text);
    }

    public void WriteJson(IMessage message) => WriteJson(JsonOf(message));

    public void WriteJson(string line) => _environment.Out.WriteLine(line);

    /// <summary>The JSON line of the files that were written, or a note.</summary>
    public void Wrote(string note, params IReadOnlyList<string> files)
    {
        if (Json) WriteJson(JsonSerializer.Serialize(new WrittenFiles(files), LocalAnswer.Default.WrittenFiles));
        Note(note);
    }

    /// <summary>A text for another program, as it is; or as a string in a JSON line.</summary>
    public void Print(string text)
    {
        if (Json) WriteJson(JsonSerializer.Serialize(new PrintedText(text), LocalAnswer.Default.PrintedText));
        else _environment.Out.Write(text);
    }

    /// <summary>Text for people, on standard error; left out when quiet.</summary>
    public void Note(string text)
    {
        if (Quiet) return;
        Live.Clear();
        _environment.Error.WriteLine(SafeText.Of(text));
    }

    /// <summary>Text for people that stays even when quiet.</summary>
    public void Warn(string text)
    {
        Live.Clear();
        _environment.Error.WriteLine(SafeText.Of(text));
    }

    private static IAnsiConsole Console(TextWriter writer, bool isTerminal, int width, bool color)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isTerminal ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = isTerminal && color ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(new TrimmedLines(writer)),
        });
        console.Profile.Width = width;
        return console;
    }
}
