namespace Lema.Cli.Terminals;

/// <summary>Everything of the outside world that a command sees, so that tests run commands in process.</summary>
internal sealed record CliEnvironment
{
    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    public required TextReader In { get; init; }

    public required bool OutIsTerminal { get; init; }

    public required bool ErrorIsTerminal { get; init; }

    public required bool InIsTerminal { get; init; }

    /// <summary>Begins to read keys; null where they cannot be read one by one.</summary>
    public Func<KeySession>? Keys { get; init; }

    /// <summary>Columns that standard output has room for, asked each time because a window can be resized.</summary>
    public required Func<int> OutWidth { get; init; }

    /// <summary>Columns that standard error has room for.</summary>
    public required Func<int> ErrorWidth { get; init; }

    /// <summary>Value of an environment variable; null when it is not set.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>The user's home folder, for paths that start with <c>~/</c> and the configuration folder.</summary>
    public required string HomeFolder { get; init; }

    public required Interrupts Interrupts { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Folder of this user's Lema files: the hosts file and the chat history.</summary>
    public string ConfigFolder
    {
        get
        {
            string? configured = Variable("XDG_CONFIG_HOME");
            return Path.Combine(string.IsNullOrEmpty(configured) ? Path.Combine(HomeFolder, ".config") : configured, "lema");
        }
    }

    /// <summary>An absolute path, with a leading <c>~/</c> replaced by the home folder.</summary>
    public string FullPath(string path) =>
        path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(HomeFolder, path[1..].TrimStart('/')) : Path.GetFullPath(path);
}
