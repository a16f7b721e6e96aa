using System.Runtime.InteropServices;
using SQLitePCL;

namespace Lema.Server.Tests.Faults;

/// <summary>
/// Has the system refuse what SQLite writes below a folder, through the seam that SQLite has for it (xSetSystemCall, which its own tests use). Linux alone.
/// </summary>
internal sealed class RefusedWrites : IDisposable
{
    public const int NoSpaceLeft = 28, InputOutput = 5, QuotaExceeded = 122;

    /// <summary>Place of xSetSystemCall in sqlite3_vfs, in pointers.</summary>
    private const int SetSystemCall = 18;

    private static readonly Lock Gate = new();
    private static readonly List<RefusedWrites> Active = [];

    // Held for the life of the process, for SQLite calls them.
    private static readonly WriteCall Write = (file, bytes, count) => Refusal(file) is > 0 and int error ? Refuse(error) : SystemWrite(file, bytes, count);
    private static readonly WriteAtCall WriteAt = (file, bytes, count, offset) => Refusal(file) is > 0 and int error ? Refuse(error) : SystemWriteAt(file, bytes, count, offset);

    private readonly string _folder;
    private readonly SemaphoreSlim _refused = new(0);
    private volatile int _error;

    static RefusedWrites()
    {
        Batteries_V2.Init();
        nint vfs = Find(null);
        SetCall set = Marshal.GetDelegateForFunctionPointer<SetCall>(Marshal.ReadIntPtr(vfs, SetSystemCall * nint.Size));
        Assert.Equal(0, set(vfs, "write", Marshal.GetFunctionPointerForDelegate(Write)));
        Assert.Equal(0, set(vfs, "pwrite", Marshal.GetFunctionPointerForDelegate(WriteAt)));
    }

    private RefusedWrites(string folder) => _folder = folder;

    private delegate int SetCall(nint vfs, [MarshalAs(UnmanagedType.LPUTF8Str)] string name, nint call);

    private delegate nint WriteCall(int file, nint bytes, nint count);

    private delegate nint WriteAtCall(int file, nint bytes, nint count, long offset);

    public static RefusedWrites Below(string folder)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The system calls of SQLite are replaced on Linux alone.");
        RefusedWrites refused = new(Path.GetFullPath(folder) + "/");
        lock (Gate) Active.Add(refused);
        return refused;
    }

    /// <summary>From now on.</summary>
    /// <param name="error">An errno.</param>
    public void Begin(int error) => _error = error;

    public void End() => _error = 0;

    /// <summary>Writes that were refused and that nobody has waited for yet.</summary>
    public int Unseen => _refused.CurrentCount;

    /// <summary>Ends when so many more writes have been refused.</summary>
    public async Task UntilAsync(int count)
    {
        for (int i = 0; i < count; i++) Assert.True(await _refused.WaitAsync(TimeSpan.FromMinutes(1)), "Nothing was written.");
    }

    public void Dispose()
    {
        lock (Gate) Active.Remove(this);
        _refused.Dispose();
    }

    /// <summary>Nothing may come after it that sets errno to something else.</summary>
    private static nint Refuse(int error)
    {
        Marshal.SetLastSystemError(error);
        return -1;
    }

    /// <returns>0: the write goes through.</returns>
    private static int Refusal(int file)
    {
        lock (Gate)
        {
            foreach (RefusedWrites one in Active)
            {
                if (one._error == 0 || File.ResolveLinkTarget($"/proc/self/fd/{file}", returnFinalTarget: false) is not { } target || !target.FullName.StartsWith(one._folder, StringComparison.Ordinal)) continue;
                one._refused.Release();
                return one._error;
            }
            return 0;
        }
    }

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_vfs_find")]
    private static extern nint Find([MarshalAs(UnmanagedType.LPUTF8Str)] string? name);

    [DllImport("libc", EntryPoint = "write")]
    private static extern nint SystemWrite(int file, nint bytes, nint count);

    [DllImport("libc", EntryPoint = "pwrite")]
    private static extern nint SystemWriteAt(int file, nint bytes, nint count, long offset);
}
