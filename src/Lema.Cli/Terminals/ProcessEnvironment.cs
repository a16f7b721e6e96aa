using System.Text;

namespace Lema.Cli.Terminals;

/// <summary>The environment of this process.</summary>
internal static class ProcessEnvironment
{
    /// <summary>Columns assumed where output goes to a file or a pipe: wide enough that no table row wraps.</summary>
    public const int UnlimitedWidth = 400;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public static CliEnvironment Create(Interrupts interrupts) => new()
    {
        Out = Writer(Console.OpenStandardOutput()),
        Error = Writer(Console.OpenStandardError()),
        In = new StreamReader(Console.OpenStandardInput(), Utf8),
        OutIsTerminal = !Console.IsOutputRedirected,
        ErrorIsTerminal = !Console.IsErrorRedirected,
        InIsTerminal = !Console.IsInputRedirected,
        Keys = Console.IsInputRedirected || Console.IsErrorRedirected ? null : KeySession.OfProcess,
        OutWidth = () => Width(Console.IsOutputRedirected),
        ErrorWidth = () => Width(Console.IsErrorRedirected),
        Variable = Environment.GetEnvironmentVariable,
        HomeFolder = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
        Interrupts = interrupts,
    };

    private static StreamWriter Writer(Stream stream) => new(stream, Utf8) { AutoFlush = true, NewLine = "\n" };

    private static int Width(bool isRedirected)
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), out int columns) && columns > 0) return columns;
        if (isRedirected) return UnlimitedWidth;
        int width = Console.WindowWidth;
        return width > 0 ? width : 80;
    }
}
