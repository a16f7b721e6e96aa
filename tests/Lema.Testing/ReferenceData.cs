namespace Lema.Testing;

/// <summary>
/// Large reference data that is not part of the repository: the folder named by LEMA_REFERENCE_DATA, or a folder <c>shared</c> beside the checkout.
/// Tests that need it skip, saying so, where it is absent.
/// </summary>
public static class ReferenceData
{
    public static string? Folder { get; } = Find();

    public const string SkipMessage = "Reference data not found: set LEMA_REFERENCE_DATA to its folder.";

    /// <summary>Full path below the reference folder, or null where it does not exist.</summary>
    public static string? TryPath(params string[] parts)
    {
        if (Folder is null) return null;
        string path = Path.Combine([Folder, .. parts]);
        return Path.Exists(path) ? path : null;
    }

    /// <summary>The folder that the reference data's expand.sh makes of SmolLM2-135M-Instruct; null where it has not run.</summary>
    public static string? SmolLm2Folder
    {
        get
        {
            string folder = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "lema-reference", "smollm2-135m-instruct");
            return File.Exists(Path.Combine(folder, ".complete")) ? folder : null;
        }
    }

    private static string? Find()
    {
        string? named = Environment.GetEnvironmentVariable("LEMA_REFERENCE_DATA");
        if (!string.IsNullOrEmpty(named)) return Directory.Exists(named) ? Path.GetFullPath(named) : null;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "Lema.sln"))) continue;
            string beside = Path.Combine(folder.Parent?.FullName ?? folder.FullName, "shared");
            return Directory.Exists(Path.Combine(beside, "golden")) ? beside : null;
        }
        return null;
    }
}
