using System.Text.Json;
using Lema.Cli.Hosts;
using Lema.Cli.Rendering;

namespace Lema.Cli.Commands.HostCommands;

/// <summary>The JSON answer of every command that shows or changes the named hosts: all of them, as they are now.</summary>
internal static class HostsAnswer
{
    public static void Write(Output output, HostsDocument document) => output.WriteJson(JsonSerializer.Serialize(document, HostsJson.Compact.HostsDocument));
}
