using Lema.Engine.Errors;

namespace Lema.Bench;

internal static class Repository
{
    /// <summary>The folder of the solution.</summary>
    /// <exception cref="InvalidInputException">The program runs outside a checkout.</exception>
    public static string Folder()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lema.sln"))) return folder.FullName;
        }
        throw new InvalidInputException("bench/run", "", "runs outside a checkout; use it from one");
    }
}
