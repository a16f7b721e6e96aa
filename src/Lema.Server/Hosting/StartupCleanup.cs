using Lema.Server.Storage;

namespace Lema.Server.Hosting;

/// <summary>Removes what an interrupted prepare, merge or upload left half-done. Nobody else writes to the data folder yet.</summary>
internal static class StartupCleanup
{
    public static void Run(DataFolder data)
    {
        foreach (string folder in (string[])[data.Models, data.Prepared, data.Datasets, data.Adapters, data.Uploads])
        {
            foreach (string leftover in Directory.EnumerateDirectories(folder, ".*").ToArray()) Directory.Delete(leftover, recursive: true);
            foreach (string leftover in Directory.EnumerateFiles(folder, ".*").ToArray()) File.Delete(leftover);
        }
    }
}
