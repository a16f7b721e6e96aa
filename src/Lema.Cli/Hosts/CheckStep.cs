using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lema.Cli.Hosts;

/// <summary>One step of the way to a daemon.</summary>
/// <param name="Name">address, name, port, tls, token or version.</param>
/// <param name="ExitCode">What the command ends with because of it; 0 when the step is well.</param>
internal sealed record CheckStep(string Name, bool Ok, string Finding, string? Remedy, [property: JsonIgnore] int ExitCode);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CheckStep))]
internal sealed partial class HostCheckJson : JsonSerializerContext;
