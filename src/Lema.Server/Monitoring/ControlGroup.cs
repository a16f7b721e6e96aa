using System.Globalization;
using Lema.Server.Storage;

namespace Lema.Server.Monitoring;

/// <summary>A control group of Linux that counts memory, of version 1 or 2 (cgroups(7)): what it says of itself, and groups with limits below it.</summary>
internal sealed class ControlGroup
{
    private const string Processes = "cgroup.procs", DelegatedTo = "cgroup.subtree_control";

    private const long MostBytesAtOnce = 1 << 20;

    private static readonly FileNames
        Version1 = new("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control", "memory.memsw.limit_in_bytes", SwapIsCountedIn: true,
            Cache: ["total_active_file", "total_inactive_file"]),
        Version2 = new("memory.max", "memory.current", "memory.peak", "memory.events", "memory.swap.max", SwapIsCountedIn: false,
            Cache: ["active_file", "inactive_file"]);

    private readonly string _top;
    private readonly FileNames _files;

    private ControlGroup(string folder, string top, FileNames files) => (Folder, _top, _files) = (folder, top, files);

    /// <param name="Cache">In memory.stat, with the groups below, as usage is.</param>
    private sealed record FileNames(string Limit, string Usage, string Peak, string Events, string Swap, bool SwapIsCountedIn, string[] Cache);

    public string Folder { get; }

    /// <summary>Bytes that its processes have had at most, the system's cache for them counted in; null where the system does not tell.</summary>
    public long? PeakBytes => Number(Folder, _files.Peak);

    /// <summary>Whether the system has ended a process of it because of its limit, and not because a group above it, or the machine, ran short: that is counted with them.</summary>
    public bool HasEndedAProcess => Values(Folder, _files.Events, "oom_kill").Sum() > 0 && HasReachedItsLimit;

    /// <summary>Version 1 does not count how often that came about: who has reached the limit has had all but what the system takes at once.</summary>
    private bool HasReachedItsLimit => _files == Version1
        ? Limit(Folder) - Math.Max(PeakBytes ?? 0, Number(Folder, "memory.memsw.max_usage_in_bytes") ?? 0) < MostBytesAtOnce
        : Values(Folder, _files.Events, "oom").Sum() > 0;

    /// <summary>The group that counts the memory of this process; null where there is none.</summary>
    /// <param name="process">The process's folder in /proc.</param>
    public static ControlGroup? Own(string process = "/proc/self")
    {
        string groups = Path.Combine(process, "cgroup"), mounts = Path.Combine(process, "mountinfo");
        if (!File.Exists(groups) || !File.Exists(mounts)) return null;
        // ID:CONTROLLERS:PATH; version 2 has the id 0 and names none.
        string[][] lines = [.. File.ReadLines(groups).Select(line => line.Split(':', 3)).Where(parts => parts.Length == 3)];
        if (lines.FirstOrDefault(parts => parts[1].Split(',').Contains("memory")) is { } first) return At(mounts, first[2], Version1);
        return lines.FirstOrDefault(parts => parts[0] == "0") is { } second ? At(mounts, second[2], Version2) : null;
    }

    private static ControlGroup? At(string mounts, string path, FileNames files)
    {
        foreach (string line in File.ReadLines(mounts))
        {
            // ID PARENT DEVICE ROOT MOUNT-POINT OPTIONS... - TYPE SOURCE OPTIONS (proc(5)).
            string[] halves = line.Split(" - ", 2);
            if (halves.Length < 2) continue;
            string[] mount = halves[0].Split(' '), type = halves[1].Split(' ');
            bool isIt = files == Version2 ? type[0] == "cgroup2" : type[0] == "cgroup" && type[^1].Split(',').Contains("memory");
            if (!isIt) continue;
            // A container may be shown its own part of the tree alone.
            string root = mount[3].TrimEnd('/'), below = path.StartsWith(root + '/', StringComparison.Ordinal) ? path[root.Length..] : "";
            string folder = Path.TrimEndingDirectorySeparator(Path.Join(mount[4], below));
            return Directory.Exists(folder) ? new ControlGroup(folder, mount[4], files) : null;
        }
        return null;
    }

    /// <summary>The smallest limit that holds for its processes, its own or that of a group above it; null: none.</summary>
    public long? LimitBytes() => Upwards().Select(Limit).Min();

    /// <summary>What its processes can still take before one of those limits is reached; the cache that the system would give up for them counts as free. Null: no limit.</summary>
    public long? AvailableBytes() => Upwards().Select(folder => Limit(folder) - Number(folder, _files.Usage) + Values(folder, "memory.stat", _files.Cache).Sum()).Min();

    private IEnumerable<string> Upwards()
    {
        for (string folder = Folder; ; folder = Path.GetDirectoryName(folder)!)
        {
            yield return folder;
            if (folder == _top) yield break;
        }
    }

    /// <summary>Version 1 writes a number beyond all memory where there is no limit, version 2 a word.</summary>
    private long? Limit(string folder) => Number(folder, _files.Limit) is { } bytes and < long.MaxValue / 2 ? bytes : null;

    /// <summary>Lets groups with limits be made below this one. In version 2 only leaves hold processes: this one moves into a group below, where it was alone.</summary>
    /// <param name="leaf">Name of that group.</param>
    /// <returns>False where the system, or another process of the group, does not let it.</returns>
    public bool TryDelegate(string leaf)
    {
        if (_files == Version1) return Folders.IsWritable(Folder);
        if (Words(DelegatedTo).Contains("memory")) return true;
        if (!Words("cgroup.controllers").Contains("memory") || Words(Processes) is not [var only] || only != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)) return false;
        string below = Path.Combine(Folder, leaf);
        return Try(() => Directory.CreateDirectory(below)) && TryJoin(below) && Try(() => File.WriteAllText(Path.Combine(Folder, DelegatedTo), "+memory"));
    }

    /// <summary>Makes a group below this one; the system ends its processes when they take more.</summary>
    /// <returns>Null where the system does not let this process.</returns>
    public ControlGroup? TryAdd(string name, long limitBytes)
    {
        ControlGroup group = new(Path.Combine(Folder, name), _top, _files);
        bool isThere = Try(() =>
        {
            Directory.CreateDirectory(group.Folder);
            group.Write(_files.Limit, limitBytes);
            // Memory that goes to the swap file instead would be no limit; not every system counts that.
            if (File.Exists(Path.Combine(group.Folder, _files.Swap))) group.Write(_files.Swap, _files.SwapIsCountedIn ? limitBytes : 0);
        });
        if (isThere) return group;
        group.Remove();
        return null;
    }

    /// <summary>Moves this process into a group.</summary>
    /// <param name="folder">As <see cref="Folder"/> of the one who made it says.</param>
    /// <returns>False where the system does not let it.</returns>
    public static bool TryJoin(string folder) => Try(() => File.WriteAllText(Path.Combine(folder, Processes), Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Removes the group, once its processes have ended; else it stays.</summary>
    public void Remove() => Try(() => Directory.Delete(Folder));

    /// <summary>The groups directly below this one whose names begin so.</summary>
    public IReadOnlyList<ControlGroup> Below(string prefix) => [.. Directory.GetDirectories(Folder, prefix + "*").Select(folder => new ControlGroup(folder, _top, _files))];

    private static bool Try(Action change)
    {
        try
        {
            change();
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Write(string file, long value) => File.WriteAllText(Path.Combine(Folder, file), value.ToString(CultureInfo.InvariantCulture));

    private string[] Words(string file) => Text(Folder, file).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static long? Number(string folder, string file) => long.TryParse(Text(folder, file), CultureInfo.InvariantCulture, out long number) ? number : null;

    /// <summary>Of a file with lines NAME NUMBER.</summary>
    private static IEnumerable<long> Values(string folder, string file, params string[] names) =>
        Text(folder, file).Split('\n').Select(line => line.Split(' ')).Where(parts => parts.Length == 2 && names.Contains(parts[0])).Select(parts => long.Parse(parts[1], CultureInfo.InvariantCulture));

    /// <summary>Empty where the system has no such file or does not tell, as of a group of threads: a figure less is no reason to fail.</summary>
    private static string Text(string folder, string file)
    {
        string text = "";
        string path = Path.Combine(folder, file);
        if (File.Exists(path)) Try(() => text = File.ReadAllText(path));
        return text;
    }
}
