using Lema.Cli.Conversations;
using Lema.Cli.Terminals;
using Lema.Cli.Tests.Fakes;

namespace Lema.Cli.Tests.Conversations;

public sealed class LineEditorTests
{
    private static readonly ConsoleKeyInfo CtrlC = new('\u0003', ConsoleKey.C, shift: false, alt: false, control: true);
    private static readonly ConsoleKeyInfo Enter = new('\r', ConsoleKey.Enter, shift: false, alt: false, control: false);

    [Fact]
    public void Read_CtrlCInALine_BeginsItAnew()
    {
        using TestTerminal terminal = new(isTerminal: true);

        Assert.Equal("b", Editor(terminal, Letter('a'), CtrlC, Letter('b'), Enter).Read("> "));

        Assert.False(terminal.Interrupts.First.IsCancellationRequested);
    }

    [Fact]
    public void Read_CtrlCInAnEmptyLine_InterruptsTheCommand()
    {
        using TestTerminal terminal = new(isTerminal: true);

        Assert.Null(Editor(terminal, CtrlC).Read("> "));

        Assert.True(terminal.Interrupts.First.IsCancellationRequested);
    }

    [Fact]
    public void Read_ALine_IsOneSessionOfKeys()
    {
        using TestTerminal terminal = new(isTerminal: true);
        Queue<ConsoleKeyInfo> left = new([Letter('a'), CtrlC, Letter('b'), Enter]);
        List<int> ended = [];
        LineEditor editor = new(terminal.Environment with { Keys = () => new KeySession(() => left.Dequeue(), () => ended.Add(left.Count)) }, []);

        Assert.Equal("b", editor.Read("> "));

        Assert.Equal([0], ended);
    }

    private static LineEditor Editor(TestTerminal terminal, params ConsoleKeyInfo[] keys)
    {
        Queue<ConsoleKeyInfo> left = new(keys);
        return new LineEditor(terminal.Environment with { Keys = () => new KeySession(() => left.Dequeue(), () => { }) }, []);
    }

    private static ConsoleKeyInfo Letter(char letter) => new(letter, Enum.Parse<ConsoleKey>(letter.ToString(), ignoreCase: true), shift: false, alt: false, control: false);
}
