using System.Diagnostics;
using System.Globalization;
using Lema.Engine.Errors;
using Lema.Server.Monitoring;
using Lema.Server.Storage;
using Lema.Server.Workers;
using Lema.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lema.Server.Tests;

/// <summary>Control groups: as files that a test has written, and those of the system where it lets this process make some.</summary>
public sealed class ControlGroupTests : IDisposable
{
    private const string Unlimited = "9223372036854771712";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Limit_Version2_IsTheSmallestOfTheGroupAndThoseAboveIt()
    {
        ControlGroup group = Version2("/system.slice/lema.service", ("memory.max", "max"));
        Assert.Equal(("system.slice/lema.service", null, null), (Below(group), group.LimitBytes(), group.AvailableBytes()));

        Put("tree/system.slice/memory.max", "1000");
        Put("tree/system.slice/memory.current", "900");
        Put("tree/system.slice/memory.stat", "anon 500\nactive_file 100\ninactive_file 200\nfile 400\n");
        Assert.Equal((1_000, 400), (group.LimitBytes(), group.AvailableBytes()));

        Put("tree/system.slice/lema.service/memory.max", "800");
        Put("tree/system.slice/lema.service/memory.current", "700");
        Assert.Equal((800, 100), (group.LimitBytes(), group.AvailableBytes()));
    }

    [Fact]
    public void Limit_Version1_IsReadFromItsOwnFilesAndTheMountsRootLeftOut()
    {
        ControlGroup group = Version1(root: "/docker/7", path: "/docker/7/lema", ("memory.limit_in_bytes", Unlimited), ("memory.usage_in_bytes", "5"));
        Assert.Equal(("lema", null), (Below(group), group.LimitBytes()));

        Put("tree/memory.limit_in_bytes", "3000");
        Put("tree/memory.usage_in_bytes", "2900");
        // Usage is told with the groups below, and so must be the cache that could be given up.
        Put("tree/memory.stat", "active_file 1\ninactive_file 1\ntotal_active_file 100\ntotal_inactive_file 200\n");
        Assert.Equal((3_000, 400), (group.LimitBytes(), group.AvailableBytes()));
    }

    [Fact]
    public void Own_NoGroupsOrNoneOfMemory_IsNone()
    {
        Assert.Null(ControlGroup.Own(_folder.Path));

        Put("cgroup", "3:cpuset:/\n");
        Put("mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\nnonsense\n");
        Assert.Null(ControlGroup.Own(_folder.Path));

        Put("cgroup", "0::/\n");
        Assert.Null(ControlGroup.Own(_folder.Path));
    }

    [Fact]
    public void TryDelegate_Version2_MovesThisProcessIntoALeafWhereItIsAlone()
    {
        ControlGroup group = Version2("/lema.service", ("cgroup.controllers", "cpu memory"), ("cgroup.subtree_control", ""), ("cgroup.procs", $"{Environment.ProcessId}\n"));

        Assert.True(group.TryDelegate("leaf"));

        Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), Text("tree/lema.service/leaf/cgroup.procs"));
        Assert.Equal("+memory", Text("tree/lema.service/cgroup.subtree_control"));
    }

    [Theory]
    [InlineData("cpu memory", "", "1\n2\n", false)]
    [InlineData("cpu memory", "", "", false)]
    [InlineData("cpu", "", null, false)]
    [InlineData("cpu memory", "memory pids", "1\n2\n", true)]
    public void TryDelegate_Version2_IsOnlyWhereNobodyElseIsThere(string controllers, string delegated, string? processes, bool can)
    {
        ControlGroup group = Version2("/shell.scope", ("cgroup.controllers", controllers), ("cgroup.subtree_control", delegated), ("cgroup.procs", processes ?? $"{Environment.ProcessId}\n"));

        Assert.Equal(can, group.TryDelegate("leaf"));

        Assert.Empty(Directory.GetDirectories(group.Folder));
        Assert.Equal(delegated, Text("tree/shell.scope/cgroup.subtree_control"));
    }

    [Fact]
    public void TryAdd_Version2_LimitsMemoryAndForbidsSwap()
    {
        ControlGroup group = Version2("/");
        // The system makes these with the group.
        Put("tree/worker/memory.swap.max", "max");

        ControlGroup worker = group.TryAdd("worker", 1_000)!;

        Assert.Equal(("1000", "0"), (Text("tree/worker/memory.max"), Text("tree/worker/memory.swap.max")));
        Assert.Equal((1_000, null, false), (worker.LimitBytes(), worker.PeakBytes, worker.HasEndedAProcess));
        Put("tree/worker/memory.peak", "990");
        Put("tree/worker/memory.events", "low 0\noom 0\noom_kill 1\n");
        Assert.False(worker.HasEndedAProcess);
        Put("tree/worker/memory.events", "low 0\noom 1\noom_kill 1\n");
        Assert.Equal((990, true), (worker.PeakBytes, worker.HasEndedAProcess));
    }

    [Fact]
    public void TryAdd_Version1_LimitsMemoryAndSwapTogether()
    {
        ControlGroup group = Version1(root: "/", path: "/");
        Put("tree/worker/memory.memsw.limit_in_bytes", Unlimited);

        group.TryAdd("worker", 1_000);

        Assert.Equal(("1000", "1000"), (Text("tree/worker/memory.limit_in_bytes"), Text("tree/worker/memory.memsw.limit_in_bytes")));
    }

    [Fact]
    public void TryAdd_TheSystemRefuses_LeavesNothing()
    {
        ControlGroup group = Version2("/");
        Put("tree/worker", "a file where the group would be");
        Assert.Null(group.TryAdd("worker", 1_000));
        Assert.Null(new WorkerGroups(own: null, NullLogger<WorkerGroups>.Instance).TryAdd("worker", "job", 1_000));
    }

    [Fact(DisplayName = "memory guard: groups that a killed daemon left are removed, another daemon's stay")]
    public void Open_GroupsOfBefore_RemovesThoseWhoseDaemonIsGone()
    {
        ControlGroup group = Version1(root: "/", path: "/");
        string left = Directory.CreateDirectory(Path.Combine(group.Folder, $"lema-worker-{int.MaxValue}-a")).FullName, other = Directory.CreateDirectory(Path.Combine(group.Folder, $"lema-worker-{Environment.ProcessId}-b")).FullName;

        _ = new WorkerGroups(group, NullLogger<WorkerGroups>.Instance);

        Assert.Equal((false, true), (Directory.Exists(left), Directory.Exists(other)));
    }

    [Fact(DisplayName = "memory guard: the system ends a process over the limit of its group, which is told with the figures")]
    public async Task TryAdd_OfTheSystem_EndsTheProcessThatTakesMore()
    {
        WorkerGroups groups = OfTheSystem();
        const long limit = 16L << 20;
        WorkerGroup group = groups.TryAdd(Guid.NewGuid().ToString("N"), "job", limit)!;
        Assert.Null(group.OverLimit());

        using Process process = Process.Start("sh", ["-c", "echo $$ > $0/cgroup.procs; exec tail /dev/zero", group.Folder]);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(128 + 9, process.ExitCode);
        BudgetExceededException told = group.OverLimit()!;
        Assert.Equal(limit, told.BudgetBytes);
        Assert.InRange(told.RequiredBytes, limit * 5 / 4, limit * 2);
        group.Remove();
        Assert.False(Directory.Exists(group.Folder));
    }

    [Fact(DisplayName = "memory guard: a process that the system ends because others need the memory was not over its limit")]
    public async Task OverLimit_TheGroupAboveHasReachedItsLimit_IsNothingToSay()
    {
        _ = OfTheSystem();
        ControlGroup above = ControlGroup.Own()!.TryAdd($"lema-above-{Guid.NewGuid():N}", 16L << 20)!;
        try
        {
            Assert.SkipWhen(above.TryDelegate("none") is false, "Groups cannot be made two deep here.");
            WorkerGroup group = new(above.TryAdd("worker", 1L << 30)!, "job", 1L << 30);

            using Process process = Process.Start("sh", ["-c", "echo $$ > $0/cgroup.procs; exec tail /dev/zero", group.Folder]);
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));

            Assert.Equal(128 + 9, process.ExitCode);
            Assert.Null(group.OverLimit());
            group.Remove();
        }
        finally
        {
            above.Remove();
        }
    }

    [Fact(DisplayName = "memory guard: a worker over its limit is ended by the system and is no worker that died")]
    public async Task StartAsync_LimitBelowTheRuntimesOwnNeed_SaysHowMuchItNeeded()
    {
        WorkerGroups groups = OfTheSystem();
        using DataFolder data = DataFolder.Open(_folder.Path);
        ProcessWorkerFactory factory = new(data, groups, NullLogger<ProcessWorkerFactory>.Instance);

        BudgetExceededException told = await Assert.ThrowsAsync<BudgetExceededException>(() => factory.StartAsync("run 7", memoryLimitBytes: 1 << 20, CancellationToken.None));

        Assert.Contains("run 7: memory.totalBytes", told.Message, StringComparison.Ordinal);
        string group;
        await using (IEngineWorker worker = await factory.StartAsync("run 8", memoryLimitBytes: 1L << 30, CancellationToken.None))
        {
            group = ControlGroup.Own($"/proc/{worker.ProcessId}")!.Folder;
            Assert.Contains($"{Path.DirectorySeparatorChar}lema-worker-{Environment.ProcessId}-", group, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(group));
    }

    private static WorkerGroups OfTheSystem()
    {
        ControlGroup? own = ControlGroup.Own();
        ControlGroup? trial = own is not null && own.TryDelegate("lema-tests") ? own.TryAdd($"lema-trial-{Guid.NewGuid():N}", 1L << 30) : null;
        trial?.Remove();
        Assert.SkipWhen(trial is null, "The system lets this process make no control groups.");
        return new WorkerGroups(own, NullLogger<WorkerGroups>.Instance);
    }

    private ControlGroup Version2(string path, params (string File, string Text)[] files)
    {
        Put("cgroup", $"0::{path}\n");
        return Of("/", path, "cgroup2 cgroup2 rw", files);
    }

    private ControlGroup Version1(string root, string path, params (string File, string Text)[] files)
    {
        Put("cgroup", $"7:blkio:/\n4:memory:{path}\n0::/\n");
        return Of(root, path, "cgroup cgroup rw,memory", files);
    }

    private ControlGroup Of(string root, string path, string mount, (string File, string Text)[] files)
    {
        string tree = Directory.CreateDirectory(Path.Combine(_folder.Path, "tree")).FullName;
        string below = root.Length > 1 ? path[root.Length..] : path;
        Put("mountinfo", $"31 23 0:28 / {_folder.Path} rw - tmpfs tmpfs rw\n33 31 0:30 {root} {tree} rw,relatime shared:1 - {mount}\n");
        Directory.CreateDirectory(Path.Join(tree, below));
        foreach ((string file, string text) in files) Put(Path.Join("tree", below, file), text);
        return ControlGroup.Own(_folder.Path)!;
    }

    private string Below(ControlGroup group) => Path.GetRelativePath(Path.Combine(_folder.Path, "tree"), group.Folder);

    private void Put(string file, string text)
    {
        string path = Path.Combine(_folder.Path, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private string Text(string file) => File.ReadAllText(Path.Combine(_folder.Path, file));
}
