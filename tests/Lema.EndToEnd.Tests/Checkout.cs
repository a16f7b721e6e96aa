namespace Lema.EndToEnd.Tests;

/// <summary>The folder of the solution and the programs under test: those that were built in it, and with the long tests those that are published from it.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    public static string Cli { get; } = Program("Lema.Cli", "lema-remote");

    public static string Server { get; } = Program("Lema.Server", "lema-server");

    /// <summary>The published program where there is one, else that of the configuration that these tests were built in.</summary>
    private static string Program(string project, string name)
    {
        if (PublishedPrograms.Folder is { } published) return Path.Combine(published, name);
        DirectoryInfo framework = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        string path = Path.Combine(Root, "src", project, "bin", framework.Parent!.Name, framework.Name, OperatingSystem.IsWindows() ? name + ".exe" : name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is not there: build the solution first.");
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Lema.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("These tests run from a checkout.");
    }
}
