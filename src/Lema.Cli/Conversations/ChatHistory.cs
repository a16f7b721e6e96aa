using Lema.Cli.Files;

namespace Lema.Cli.Conversations;

/// <summary>What the user typed in chats, kept in a file that only the user can read. A file that cannot be read or written is no reason not to chat.</summary>
internal sealed class ChatHistory
{
    public const string FileName = "chat-history";

    private const int MostLines = 1_000;

    private readonly string _path;
    private readonly List<string> _lines;

    private ChatHistory(string path, List<string> lines)
    {
        _path = path;
        _lines = lines;
    }

    /// <summary>Oldest first; a message of several lines is one entry.</summary>
    public IReadOnlyList<string> Lines => _lines;

    public static ChatHistory Load(string path)
    {
        try
        {
            return new ChatHistory(path, File.Exists(path) ? [.. File.ReadAllLines(path).TakeLast(MostLines).Select(Decode)] : []);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new ChatHistory(path, []);
        }
    }

    public void Add(string message)
    {
        if (_lines.Count > 0 && _lines[^1] == message) return;
        _lines.Add(message);
        if (_lines.Count > MostLines) _lines.RemoveAt(0);
        try
        {
            WholeFile.Write(_path, string.Concat(_lines.Select(l => Encode(l) + "\n")), secret: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The chat goes on without a file.
        }
    }

    private static string Encode(string message) => message.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Decode(string line)
    {
        System.Text.StringBuilder text = new();
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\' && i + 1 < line.Length) text.Append(line[++i] == 'n' ? '\n' : line[i]);
            else text.Append(line[i]);
        }
        return text.ToString();
    }
}
