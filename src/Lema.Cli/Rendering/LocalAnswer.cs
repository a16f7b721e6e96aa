using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lema.Cli.Rendering;

/// <summary>Files that a command wrote on this machine, as its JSON answer.</summary>
internal sealed record WrittenFiles(IReadOnlyList<string> Files);

/// <summary>A text that a command prints for another program, as its JSON answer.</summary>
internal sealed record PrintedText(string Text);

/// <summary>JSON answers of commands that ask no daemon, in the form of the protobuf ones: camelCase, one line.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(WrittenFiles))]
[JsonSerializable(typeof(PrintedText))]
internal sealed partial class LocalAnswer : JsonSerializerContext;
