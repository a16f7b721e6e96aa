namespace Lema.Cli.Commands.ArtifactCommands;

/// <summary>What files belong to. A word without a kind is a run.</summary>
internal static class ArtifactOwner
{
    public const string Help = "A run, or run/NAME, model/NAME, dataset/NAME, adapter/NAME.";

    public static string Of(string argument) => argument.Contains('/', StringComparison.Ordinal) ? argument : $"run/{argument}";
}
