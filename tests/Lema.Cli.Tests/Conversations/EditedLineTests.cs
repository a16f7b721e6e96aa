using Lema.Cli.Conversations;

namespace Lema.Cli.Tests.Conversations;

public sealed class EditedLineTests
{
    [Fact]
    public void Apply_TypingAndMoving_EditsAtTheCursor()
    {
        EditedLine line = new([]);
        foreach (char c in "helo") line.Apply(Typed(c));
        line.Apply(Key(ConsoleKey.LeftArrow));
        line.Apply(Typed('l'));
        line.Apply(Key(ConsoleKey.Home));
        line.Apply(Key(ConsoleKey.Delete));
        line.Apply(Typed('H'));
        line.Apply(Key(ConsoleKey.End));
        line.Apply(Typed('!'));
        line.Apply(Key(ConsoleKey.Backspace));

        Assert.Equal(("Hello", 5), (line.Text, line.Cursor));
    }

    [Fact]
    public void Apply_Arrows_RecallHistoryAndTheDraft()
    {
        EditedLine line = new(["first", "second"]);
        line.Apply(Typed('d'));
        line.Apply(Key(ConsoleKey.UpArrow));
        Assert.Equal("second", line.Text);
        line.Apply(Key(ConsoleKey.UpArrow));
        line.Apply(Key(ConsoleKey.UpArrow));
        Assert.Equal("first", line.Text);
        line.Apply(Key(ConsoleKey.DownArrow));
        line.Apply(Key(ConsoleKey.DownArrow));

        Assert.Equal("d", line.Text);
    }

    [Fact]
    public void Apply_ControlUAndK_CutToTheEnds()
    {
        EditedLine line = new([]);
        foreach (char c in "abcdef") line.Apply(Typed(c));
        line.Apply(Key(ConsoleKey.LeftArrow));
        line.Apply(Key(ConsoleKey.LeftArrow));
        line.Apply(Control(ConsoleKey.U));
        Assert.Equal("ef", line.Text);
        line.Apply(Control(ConsoleKey.K));

        Assert.Equal("", line.Text);
    }

    private static ConsoleKeyInfo Typed(char c) => new(c, (ConsoleKey)char.ToUpperInvariant(c), false, false, false);

    private static ConsoleKeyInfo Key(ConsoleKey key) => new('\0', key, false, false, false);

    private static ConsoleKeyInfo Control(ConsoleKey key) => new('\u0001', key, false, false, true);
}
