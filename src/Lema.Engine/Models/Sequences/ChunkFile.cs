using System.Globalization;
using Lema.Engine.Devices;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Lema.Engine.Models.Sequences;

/// <summary>Tensors of the host kept in a file that goes with the process. Places that are given back are used again.</summary>
internal sealed class ChunkFile : IDisposable
{
    private const string NamePrefix = ".lema-chunks-";

    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly Dictionary<long, Stack<long>> _free = [];
    private long _end;

    /// <exception cref="StorageException">The file could not be made.</exception>
    public ChunkFile(string folder)
    {
        _path = Path.Combine(folder, $"{NamePrefix}{Environment.ProcessId}-{Guid.NewGuid():N}");
        try
        {
            foreach (string left in Directory.EnumerateFiles(folder, NamePrefix + "*").Where(IsLeft).ToArray()) DeleteUnlessUsed(left);
            _handle = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageFault.From(_path, error);
        }
    }

    public IAwayTensor Put(Tensor tensor)
    {
        using Tensor flat = tensor.contiguous();
        long bytes = TensorMemory.ByteCount(flat), offset;
        if (!_free.TryGetValue(bytes, out Stack<long>? places)) _free[bytes] = places = [];
        if (!places.TryPop(out offset))
        {
            offset = _end;
            _end += bytes;
        }
        try
        {
            RandomAccess.Write(_handle, TensorMemory.Bytes(flat), offset);
        }
        catch (IOException error)
        {
            places.Push(offset);
            throw StorageFault.From(_path, error);
        }
        return new FileTensor(this, offset, bytes, flat.dtype, flat.shape);
    }

    public void Dispose() => _handle.Dispose();

    /// <summary>Of a process that was killed: one that ends removes its own.</summary>
    private static bool IsLeft(string file)
    {
        string[] parts = Path.GetFileName(file)[NamePrefix.Length..].Split('-');
        return OperatingSystem.IsLinux() && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int process) && !Directory.Exists($"/proc/{process}");
    }

    /// <summary>In another container the process may live: its lock says so.</summary>
    private static void DeleteUnlessUsed(string file)
    {
        try
        {
            using SafeFileHandle unlocked = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Somebody's: not ours to remove.
        }
    }

    private void Read(Span<byte> target, long offset)
    {
        while (target.Length > 0)
        {
            int read = RandomAccess.Read(_handle, target, offset);
            if (read == 0) throw new StorageException(_path, offset, "the file ends here; it was truncated while it was in use");
            target = target[read..];
            offset += read;
        }
    }

    private sealed class FileTensor(ChunkFile file, long offset, long bytes, ScalarType type, long[] shape) : IAwayTensor
    {
        public long ByteCount => bytes;

        public Tensor Bring()
        {
            Tensor tensor = empty(shape, dtype: type);
            file.Read(TensorMemory.Bytes(tensor), offset);
            return tensor;
        }

        public void Dispose() => file._free[bytes].Push(offset);
    }
}
