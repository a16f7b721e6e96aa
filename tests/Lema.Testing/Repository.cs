namespace Lema.Testing;

/// <summary>The checkout that the tests were built from.</summary>
public static class Repository
{
    public static string Folder { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lema.sln"))) return folder.FullName;
        }
        throw new DirectoryNotFoundException($"No Lema.sln above {AppContext.BaseDirectory}.");
    }
}
