namespace Lema.Cli.Conversations;

/// <summary>A line of text, the cursor in it, and what keys do to them.</summary>
internal sealed class EditedLine(IReadOnlyList<string> history)
{
    private int _historyIndex = history.Count;
    private string _draft = "";

    public string Text { get; private set; } = "";

    public int Cursor { get; private set; }

    public void End() => Cursor = Text.Length;

    public void Apply(ConsoleKeyInfo key)
    {
        switch (key.Key)
        {
            case ConsoleKey.LeftArrow: Cursor = Math.Max(0, Cursor - 1); break;
            case ConsoleKey.RightArrow: Cursor = Math.Min(Text.Length, Cursor + 1); break;
            case ConsoleKey.Home or ConsoleKey.A when IsCommand(key, ConsoleKey.Home): Cursor = 0; break;
            case ConsoleKey.End or ConsoleKey.E when IsCommand(key, ConsoleKey.End): End(); break;
            case ConsoleKey.UpArrow: Recall(_historyIndex - 1); break;
            case ConsoleKey.DownArrow: Recall(_historyIndex + 1); break;
            case ConsoleKey.Backspace: Remove(Cursor - 1); break;
            case ConsoleKey.Delete: Remove(Cursor); break;
            case ConsoleKey.D when key.Modifiers == ConsoleModifiers.Control: Remove(Cursor); break;
            case ConsoleKey.U when key.Modifiers == ConsoleModifiers.Control: Set(Text[Cursor..], 0); break;
            case ConsoleKey.K when key.Modifiers == ConsoleModifiers.Control: Set(Text[..Cursor], Cursor); break;
            default:
                if (!char.IsControl(key.KeyChar)) Set(Text.Insert(Cursor, key.KeyChar.ToString()), Cursor + 1);
                break;
        }
    }

    private static bool IsCommand(ConsoleKeyInfo key, ConsoleKey plain) => key.Key == plain || key.Modifiers == ConsoleModifiers.Control;

    private void Recall(int index)
    {
        if (index < 0 || index > history.Count) return;
        if (_historyIndex == history.Count) _draft = Text;
        _historyIndex = index;
        string text = index == history.Count ? _draft : history[index];
        Set(text, text.Length);
    }

    private void Remove(int at)
    {
        if (at >= 0 && at < Text.Length) Set(Text.Remove(at, 1), at);
    }

    private void Set(string text, int cursor)
    {
        Text = text;
        Cursor = cursor;
    }
}
