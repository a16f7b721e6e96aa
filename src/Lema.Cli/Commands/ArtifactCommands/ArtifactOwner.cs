using Lema.Cli.Errors;
using Lema.Protocol.V1;

namespace Lema.Cli.Commands.ArtifactCommands;

/// <summary>What files belong to. A word without a kind is a run.</summary>
internal static class ArtifactOwner
{
    public const string Help = "A run, or run/NAME, model/NAME, dataset/NAME, adapter/NAME.";

    public static string Of(string argument) => argument.Contains('/', StringComparison.Ordinal) ? argument : $"run/{argument}";

    public const string UploadedHelp = "adapter/NAME, model/NAME or dataset/NAME.";

    /// <summary>Kind and name of what is uploaded.</summary>
    /// <exception cref="CliException">The argument names no such thing.</exception>
    public static (UploadKind Kind, string Name) Uploaded(string argument)
    {
        string[] owner = argument.Split('/', 2);
        UploadKind kind = owner[0] switch
        {
            "adapter" => UploadKind.Adapter,
            "model" => UploadKind.Model,
            "dataset" => UploadKind.Dataset,
            _ => throw new CliException(ExitCode.WrongUsage, $"'{argument}' cannot be uploaded to.", "Write adapter/NAME, model/NAME or dataset/NAME."),
        };
        return owner is [_, { Length: > 0 } name] ? (kind, name) : throw new CliException(ExitCode.WrongUsage, $"'{argument}' has no name.", $"Write {owner[0]}/NAME.");
    }
}
