namespace Lema.Server.Workers;

/// <summary>Makes this process the one that the system ends when memory runs out, and not the daemon (proc(5), oom_score_adj).</summary>
internal static class OutOfMemoryScore
{
    private const string File = "/proc/self/oom_score_adj", Score = "500";

    public static void Raise()
    {
        try
        {
            if (System.IO.File.Exists(File)) System.IO.File.WriteAllText(File, Score);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // A preference, not a need.
        }
    }
}
