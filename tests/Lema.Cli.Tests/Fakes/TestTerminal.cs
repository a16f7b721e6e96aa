using Lema.Cli.Terminals;

namespace Lema.Cli.Tests.Fakes;

/// <summary>A home folder, a terminal and environment variables for one test.</summary>
internal sealed class TestTerminal : IDisposable
{
    /// <summary>A device that every write to fails on as on a full disk.</summary>
    public const string FullDevice = "/dev/full";

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("lema-cli-test-");
    private readonly StringWriter _out = new() { NewLine = "\n" };
    private readonly StringWriter _error = new() { NewLine = "\n" };

    public TestTerminal(string input = "", bool isTerminal = false, int width = 100)
    {
        Environment = new CliEnvironment
        {
            Out = TextWriter.Synchronized(_out),
            Error = TextWriter.Synchronized(_error),
            In = new StringReader(input),
            OutIsTerminal = isTerminal,
            ErrorIsTerminal = isTerminal,
            InIsTerminal = isTerminal,
            OutWidth = () => width,
            ErrorWidth = () => width,
            Variable = name => Variables.GetValueOrDefault(name),
            HomeFolder = _home.FullName,
            Interrupts = Interrupts,
        };
    }

    public CliEnvironment Environment { get; private set; }

    public TimeProvider Clock
    {
        init => Environment = Environment with { Clock = value };
    }

    public Interrupts Interrupts { get; } = new();

    public Dictionary<string, string> Variables { get; } = new(StringComparer.Ordinal);

    public string Home => _home.FullName;

    public string Out => _out.ToString();

    public string Error => _error.ToString();

    /// <summary>Runs one command line in this process. The limit is for commands that never end; a starved machine takes minutes for what takes a second.</summary>
    public Task<int> RunAsync(params string[] arguments) => CliApplication.RunAsync(arguments, Environment).WaitAsync(TimeSpan.FromMinutes(10));

    public string WriteFile(string name, string text)
    {
        string path = Path.Combine(Home, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose()
    {
        Interrupts.Dispose();
        _home.Delete(recursive: true);
    }
}
