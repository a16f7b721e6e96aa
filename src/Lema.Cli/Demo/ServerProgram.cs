namespace Lema.Cli.Demo;

/// <summary>A <c>lema-server</c> that can be started.</summary>
/// <param name="FileName">Program to start.</param>
/// <param name="Prefix">Arguments that come before the server's own.</param>
internal sealed record ServerProgram(string FileName, IReadOnlyList<string> Prefix)
{
    private const string Name = "lema-server";

    /// <summary>Looks beside this program (a published one), then in the sibling project's build of the same configuration.</summary>
    /// <param name="folder">Folder of this program.</param>
    /// <returns>Null where there is none.</returns>
    public static ServerProgram? Find(string folder)
    {
        string[] folders = [folder, Path.Combine(folder, Name), Path.Combine(folder, "..", Name), .. SiblingBuild(folder)];
        return folders.Select(In).FirstOrDefault(p => p is not null);
    }

    private static IEnumerable<string> SiblingBuild(string folder)
    {
        // .../src/Lema.Cli/bin/CONFIGURATION/FRAMEWORK/
        DirectoryInfo framework = new(Path.TrimEndingDirectorySeparator(folder));
        if (framework.Parent is { Parent: { Name: "bin", Parent.Parent: { } source } } configuration)
        {
            yield return Path.Combine(source.FullName, "Lema.Server", "bin", configuration.Name, framework.Name);
        }
    }

    private static ServerProgram? In(string folder)
    {
        string assembly = Path.Combine(folder, Name + ".dll");
        string executable = Path.Combine(folder, OperatingSystem.IsWindows() ? Name + ".exe" : Name);
        bool isWhole = File.Exists(assembly) || !File.Exists(Path.Combine(folder, Name + ".runtimeconfig.json"));
        if (File.Exists(executable) && isWhole) return new ServerProgram(executable, []);
        return File.Exists(assembly) ? new ServerProgram("dotnet", [assembly]) : null;
    }
}
