using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lema.Cli.Hosts;

/// <summary>The content of the hosts file, which the dashboard reads too.</summary>
internal sealed record HostsDocument
{
    /// <summary>Name of the host that commands use when none is given.</summary>
    public string? Current { get; init; }

    public IReadOnlyList<HostEntry> Hosts { get; init; } = [];
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    WriteIndented = true,
    AllowTrailingCommas = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HostsDocument))]
internal sealed partial class HostsJson : JsonSerializerContext
{
    /// <summary>On one line, for output.</summary>
    public static HostsJson Compact { get; } = new(new JsonSerializerOptions(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull });
}
