using System.Diagnostics;
using System.Globalization;
using Lema.Engine.Storage;

namespace Lema.Server.Workers;

/// <summary>
/// Notes on disk of which worker processes there are, so that a daemon that starts after a crash ends what the last one left. A process is known by its id and its
/// start time: the id alone may be another program's by now.
/// </summary>
internal static class WorkerRecords
{
    /// <returns>The note's file, to be removed when the process has ended.</returns>
    public static string Write(string folder, string name, Process process)
    {
        string file = Path.Combine(folder, name + ".pid");
        try
        {
            File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"{process.Id} {StartTicks(process.Id)}"));
        }
        catch (IOException full) when (StorageFault.IsDiskFull(full))
        {
            // The worker ends by itself when the daemon is gone; the note is for one that cannot. It is no reason to do nothing on a full disk, looking into that least of all.
            File.Delete(file);
        }
        return file;
    }

    /// <summary>Ends every process noted in the folder and empties it.</summary>
    /// <returns>How many had to be ended.</returns>
    public static int EndOrphans(string folder)
    {
        int ended = 0;
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            if (file.EndsWith(".pid", StringComparison.Ordinal) && TryEnd(File.ReadAllText(file))) ended++;
            File.Delete(file);
        }
        return ended;
    }

    private static bool TryEnd(string note)
    {
        string[] parts = note.Split(' ');
        if (parts.Length != 2 || !int.TryParse(parts[0], CultureInfo.InvariantCulture, out int id) || StartTicks(id) is not { Length: > 0 } ticks || ticks != parts[1]) return false;
        try
        {
            using Process process = Process.GetProcessById(id);
            process.Kill(entireProcessTree: true);
            process.WaitForExit(TimeSpan.FromSeconds(5));
            return true;
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Field 22 of /proc/ID/stat; empty when there is no such process.</summary>
    private static string StartTicks(int processId)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{processId}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return "";
        }
    }
}
