using Lema.Engine.Storage;

namespace Lema.Server.Storage;

/// <summary>
/// A file of some megabytes that is given up when the disk is full, so that the database can still take down what happened. Made again when there is space. Lives as long
/// as the daemon.
/// </summary>
internal sealed class DiskReserve(string file)
{
    public const long Bytes = 8 << 20;

    private readonly Lock _gate = new();

    /// <summary>The disk is full, or was when the reserve was to be made: what can wait should.</summary>
    public bool IsGivenUp { get; private set; }

    /// <summary>Gives the space back to the disk; false when it has been given up already.</summary>
    public bool Release()
    {
        lock (_gate)
        {
            IsGivenUp = true;
            if (!File.Exists(file)) return false;
            File.Delete(file);
            return true;
        }
    }

    /// <summary>Takes the space, if it is there: being without is no reason not to start.</summary>
    public void Refill()
    {
        lock (_gate)
        {
            IsGivenUp = false;
            if (File.Exists(file) && new FileInfo(file).Length == Bytes) return;
            try
            {
                File.Delete(file);
                // Written and not preallocated: of a preallocation that fails the runtime does not say why.
                using FileStream reserve = new(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
                byte[] block = new byte[1 << 20];
                for (long written = 0; written < Bytes; written += block.Length) reserve.Write(block);
            }
            catch (IOException full) when (StorageFault.IsDiskFull(full))
            {
                File.Delete(file);
                IsGivenUp = true;
            }
        }
    }
}
