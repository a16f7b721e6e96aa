using Lema.Cli.Terminals;

namespace Lema.Cli.Conversations;

/// <summary>Reads lines. At a terminal the line can be edited, and the arrow keys bring back earlier ones; elsewhere lines are taken as they come.</summary>
internal sealed class LineEditor(CliEnvironment environment, IReadOnlyList<string> history)
{
    /// <summary>The next line; null at the end of input (Ctrl-D on an empty line). Ctrl-C gives up the line, or on an empty one interrupts the command.</summary>
    public string? Read(string prompt)
    {
        if (environment.Keys is null)
        {
            if (environment.InIsTerminal) environment.Error.Write(prompt);
            return environment.In.ReadLine();
        }
        using KeySession keys = environment.Keys();
        return ReadKeys(keys, prompt);
    }

    private string? ReadKeys(KeySession keys, string prompt)
    {
        EditedLine line = new(history);
        while (true)
        {
            Draw(prompt, line);
            ConsoleKeyInfo? key = keys.Next();
            if (key is null || key is { Key: ConsoleKey.D, Modifiers: ConsoleModifiers.Control } && line.Text.Length == 0)
            {
                environment.Error.WriteLine();
                return null;
            }
            if (key is { Key: ConsoleKey.C, Modifiers: ConsoleModifiers.Control })
            {
                environment.Error.WriteLine();
                if (line.Text.Length > 0)
                {
                    line = new EditedLine(history);
                    continue;
                }
                environment.Interrupts.Raise();
                return null;
            }
            if (key.Value.Key == ConsoleKey.Enter)
            {
                line.End();
                Draw(prompt, line);
                environment.Error.WriteLine();
                return line.Text;
            }
            line.Apply(key.Value);
        }
    }

    /// <summary>Shows the part of the line around the cursor that fits.</summary>
    private void Draw(string prompt, EditedLine line)
    {
        int room = Math.Max(8, environment.ErrorWidth() - prompt.Length - 1);
        int from = Math.Max(0, line.Cursor - room);
        string shown = line.Text.Substring(from, Math.Min(room, line.Text.Length - from)).Replace('\n', '⏎');
        environment.Error.Write($"\r{prompt}{shown}\e[K\r\e[{prompt.Length + line.Cursor - from}C");
    }
}
