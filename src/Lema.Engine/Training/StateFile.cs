using System.Runtime.InteropServices;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Models;
using Lema.Engine.Storage;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Lema.Engine.Training;

/// <summary>
/// Masters, gradients and moments in a file that is mapped into memory, for a training whose state exceeds its memory budget. Pages come in as they are used; after the
/// use of a layer they are given back (<see cref="Release"/>), so that one layer's state is resident at a time. The file has no name while it is used.
/// </summary>
public sealed partial class StateFile : IStateStorage
{
    private const int ReadWrite = 3, Shared = 1, DontNeed = 4;

    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly List<Mapping> _mappings = [];
    private long _end;

    /// <param name="folder">On the disk to use.</param>
    /// <exception cref="StorageException">The file could not be made.</exception>
    public StateFile(string folder)
    {
        _path = Path.Combine(folder, $".state-{Environment.ProcessId}-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(folder);
            _handle = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
            File.Delete(_path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageFault.From(_path, error);
        }
    }

    /// <summary>Mapped files are a matter of the operating system.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <exception cref="StorageException">The disk has no room for it.</exception>
    public Tensor Zeros(IReadOnlyList<long> shape)
    {
        long bytes = Math.Max(1, shape.Aggregate(1L, (product, size) => product * size)) * sizeof(float), page = Environment.SystemPageSize;
        long whole = (bytes + page - 1) / page * page;
        int descriptor = (int)_handle.DangerousGetHandle();
        // Without room of its own a page that is written to a full disk would end the process.
        int error = Allocate(descriptor, _end, whole);
        if (error != 0) throw new StorageException(_path, _end, $"the training state needs {whole:N0} more bytes (error {error}); free space or give the run more memory.") { IsDiskFull = true };
        nint address = Map(0, (nuint)whole, ReadWrite, Shared, descriptor, _end);
        if (address == -1) throw new StorageException(_path, _end, $"the file cannot be mapped (error {Marshal.GetLastPInvokeError()}).");
        _end += whole;
        _mappings.Add(new Mapping(address, (nuint)whole));
        return TensorMemory.View(address, ScalarType.Float32, shape);
    }

    public void Release(Tensor tensor)
    {
        nint address = TensorMemory.Pointer(tensor);
        Mapping mapping = _mappings.Find(candidate => candidate.Address == address);
        if (mapping.Address != 0) _ = Advise(mapping.Address, mapping.Length, DontNeed);
    }

    public void Dispose()
    {
        foreach (Mapping mapping in _mappings) _ = Unmap(mapping.Address, mapping.Length);
        _mappings.Clear();
        _handle.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    private static partial int Allocate(int descriptor, long offset, long length);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    private readonly record struct Mapping(nint Address, nuint Length);
}
