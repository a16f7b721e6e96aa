using System.Collections;
using System.Diagnostics;
using Lema.Server.Workers;
using Lema.Testing;

namespace Lema.Server.Tests;

/// <summary>What worker processes are given, and what becomes of those that a daemon left behind.</summary>
public sealed class WorkerProcessTests
{
    [Fact(DisplayName = "clean environment")]
    public void Environment_OfAWorker_HoldsWhatTheRuntimeNeedsAndNoSecretOfTheDaemons()
    {
        Hashtable daemon = new() { ["PATH"] = "/bin", ["HOME"] = "/home/lema", ["CUDA_VISIBLE_DEVICES"] = "0", ["LEMA_TOKEN"] = "secret", ["AWS_SECRET_ACCESS_KEY"] = "secret", ["NOTIFY_SOCKET"] = "/run/s", ["LD_PRELOAD"] = "x.so" };
        Dictionary<string, string?> worker = new() { ["LEFT"] = "over" };

        WorkerEnvironment.Apply(worker, daemon, "/cache");

        Assert.Equal(("/bin", "0", "/cache"), (worker["PATH"], worker["CUDA_VISIBLE_DEVICES"], worker["LEMA_CACHE"]));
        Assert.DoesNotContain("secret", worker.Values);
        Assert.DoesNotContain(worker.Keys, name => name is "NOTIFY_SOCKET" or "LD_PRELOAD" or "LEFT");
    }

    [Fact(DisplayName = "orphans are ended, by id and start time")]
    public async Task EndOrphans_OfNotes_EndsTheProcessThatWasNotedAndNoOtherOfItsId()
    {
        using TemporaryFolder folder = new();
        using Process orphan = Process.Start("sleep", "600"), other = Process.Start("sleep", "600");
        try
        {
            WorkerRecords.Write(folder.Path, "orphan", orphan);
            string reused = WorkerRecords.Write(folder.Path, "reused", other);
            await File.WriteAllTextAsync(reused, $"{other.Id} 1");
            // A daemon that was killed while it wrote one.
            await File.WriteAllTextAsync(Path.Combine(folder.Path, "empty.pid"), "");

            Assert.Equal(1, WorkerRecords.EndOrphans(folder.Path));

            await orphan.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
            Assert.False(other.HasExited);
            Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        }
        finally
        {
            foreach (Process process in (Process[])[orphan, other]) if (!process.HasExited) process.Kill();
        }
    }
}
