using System.Collections;

namespace Lema.Server.Workers;

/// <summary>The environment of a worker: what the runtime and the drivers need, memory settings, and nothing else the daemon was started with.</summary>
internal static class WorkerEnvironment
{
    private static readonly string[] Kept = ["PATH", "HOME", "TMPDIR", "LANG", "TZ", "LD_LIBRARY_PATH", "LEMA_LIBTORCH"];
    private static readonly string[] KeptPrefixes = ["DOTNET_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "LC_"];

    /// <summary>
    /// Huge pages for malloc and a high threshold for mapped blocks: freshly mapped buffers cost element-wise kernels half their speed. One arena: those of further threads end at 64 MiB.
    /// </summary>
    private const string Malloc = "glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=1073741824";

    /// <summary>
    /// Rounds that a compute thread spins before it sleeps while it waits for the others. libgomp's own 300,000 are right on a machine of one's own; beside another busy
    /// process every one of them is time that the thread waited for does not get, and steps take thirty times as long.
    /// </summary>
    private const string SpinCount = "5000";

    /// <summary>
    /// Compiled matrix products that oneDNN and PyTorch's layer over it keep, one a shape, some 130 KB each. A step of one length has about sixty; rows of all lengths make new ones all
    /// the time, and the libraries' own 1,024 let a run grow for hundreds of steps.
    /// </summary>
    private const string MatrixProducts = "64";

    /// <summary>Bytes, in hexadecimal, between two collections of young objects. The runtime's own choice goes by the processor's cache, which here is for the matrices.</summary>
    private const string YoungObjects = "400000";

    /// <param name="cacheFolder">Where the engine keeps what it can make again, such as tokenized datasets.</param>
    public static void Apply(IDictionary<string, string?> environment, IDictionary daemon, string cacheFolder)
    {
        environment.Clear();
        foreach (DictionaryEntry entry in daemon)
        {
            string name = (string)entry.Key;
            if (Kept.Contains(name) || KeptPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))) environment[name] = (string?)entry.Value;
        }
        environment["GLIBC_TUNABLES"] = daemon["GLIBC_TUNABLES"] as string ?? Malloc;
        environment["GOMP_SPINCOUNT"] = daemon["GOMP_SPINCOUNT"] as string ?? SpinCount;
        environment["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = daemon["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] as string ?? MatrixProducts;
        environment["LRU_CACHE_CAPACITY"] = daemon["LRU_CACHE_CAPACITY"] as string ?? MatrixProducts;
        environment["DOTNET_GCgen0size"] = daemon["DOTNET_GCgen0size"] as string ?? YoungObjects;
        // Counters in every method and a third compilation are memory that loops in native code do not pay back.
        environment["DOTNET_TieredPGO"] = daemon["DOTNET_TieredPGO"] as string ?? "0";
        environment["LEMA_CACHE"] = cacheFolder;
        environment["DOTNET_gcServer"] = "0";
    }
}
