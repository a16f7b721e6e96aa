using Lema.Cli.Conversations;
using Lema.Cli.Tests.Fakes;

namespace Lema.Cli.Tests.Conversations;

public sealed class ChatHistoryTests
{
    [Fact]
    public void Add_MessagesOfSeveralLines_ComeBackUnchanged()
    {
        using TestTerminal terminal = new();
        string path = Path.Combine(terminal.Home, "lema", ChatHistory.FileName);
        ChatHistory history = ChatHistory.Load(path);
        history.Add("one\ntwo \\n three");
        history.Add("four");
        history.Add("four");

        Assert.Equal(["one\ntwo \\n three", "four"], ChatHistory.Load(path).Lines);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }
}
